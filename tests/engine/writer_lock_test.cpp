#include "shardlog/sqlite/writer_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/file_descriptor.h"
#include "shardlog/sqlite/lock_wait.h"
#include "support/refusal.h"
#include "support/temporary_directory.h"
#include "support/wait_until.h"

namespace shardlog::sqlite {
namespace {

using namespace std::chrono_literals;
using test::refusal;
using test::time_of;
using test::wait_until;

class WriterLockTest : public testing::Test {
 protected:
  WriterLockTest() { make(path_); }

  static void make(const std::string& path) { std::ofstream{path}; }
  [[nodiscard]] WriterLock lock(bool for_writing = true) const { return {path_, for_writing}; }

  std::string message_of_busy(const WriterLock& lock) {
    try {
      const auto held = lock.acquire(10ms);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::busy);
      return error.what();
    }
    ADD_FAILURE() << "the lock was free";
    return "";
  }

  test::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/lock";
};

/// While it exists this thread can start no other. For root that takes another user, whose limit counts, and the system
/// call, which changes this thread alone.
class NoThreads {
 public:
  NoThreads() {
    ::getrlimit(RLIMIT_NPROC, &before_);
    const rlimit none{1, before_.rlim_max};
    ::setrlimit(RLIMIT_NPROC, &none);
    if (root_) ::syscall(SYS_setresuid, nobody, nobody, 0);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() {
    if (root_) ::syscall(SYS_setresuid, 0, 0, 0);
    ::setrlimit(RLIMIT_NPROC, &before_);
  }

  [[nodiscard]] static bool holds() {
    try {
      const std::jthread another([] {});
      return false;
    } catch (const std::system_error&) {
      return true;
    }
  }

 private:
  static constexpr long nobody = 65534;
  bool root_ = ::geteuid() == 0;
  rlimit before_{};
};

/// A process of its own that holds the lock until it goes out of scope.
class OtherProcess {
 public:
  /// REQUIRES: no SQLite connection is open
  explicit OtherProcess(const std::string& path) {
    std::array<int, 2> ready{};
    std::array<int, 2> end{};
    if (::pipe(ready.data()) != 0 || ::pipe(end.data()) != 0) throw system_error("pipe", errno);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(end[1]);
      const WriterLock lock(path, true);
      const auto held = lock.acquire(20s);
      char byte = 0;
      const bool told = ::write(ready[1], &byte, 1) == 1;
      ::_exit(told && ::read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(ready[1]);
    ::close(end[0]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    end_ = end[1];
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() {
    ::close(end_);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
};

TEST_F(WriterLockTest, IsHeldByOneOfTwoInOneProcess) {
  const WriterLock one = lock();
  const WriterLock other = lock();
  {
    const auto held = one.try_acquire();
    ASSERT_TRUE(held);
    EXPECT_FALSE(other.try_acquire());
    EXPECT_EQ(refusal([&] { static_cast<void>(other.acquire(10ms)); }), ErrorCode::busy);
  }
  EXPECT_TRUE(other.try_acquire());
}

TEST_F(WriterLockTest, IsHeldByOneOfTwoProcesses) {
  const WriterLock mine = lock();
  {
    const OtherProcess other(path_);
    EXPECT_FALSE(mine.try_acquire());
  }
  EXPECT_TRUE(mine.try_acquire());
}

TEST_F(WriterLockTest, IsFreedWhenItsProcessEnds) {
  const WriterLock mine = lock();
  auto other = std::make_optional<OtherProcess>(path_);
  const std::jthread ender([&] { other.reset(); });
  EXPECT_NO_THROW(static_cast<void>(mine.acquire(20s)));
}

TEST_F(WriterLockTest, CanBeHeldByAReader) {
  const WriterLock reader = lock(false);
  const auto held = reader.try_acquire();
  EXPECT_TRUE(held);
  EXPECT_FALSE(lock().try_acquire());
}

TEST_F(WriterLockTest, NamesThePidAndProgramThatHoldIt) {
  const OtherProcess other(path_);
  const std::string message = message_of_busy(lock());
  EXPECT_NE(message.find("process " + std::to_string(other.pid()) + " ("), std::string::npos) << message;
  std::string program;
  std::getline(std::ifstream("/proc/self/comm"), program);
  EXPECT_NE(message.find("(" + program + ","), std::string::npos) << message;
}

/// Takes and leaves the locks of many files.
void keep_locking(const std::string& directory, const std::stop_token& stop) {
  std::vector<FileDescriptor> files;
  for (int i = 0; i < 200; ++i) {
    files.emplace_back(::open((directory + "/" + std::to_string(i)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  while (!stop.stop_requested()) {
    for (const FileDescriptor& file : files) ::flock(file.get(), LOCK_EX);
    for (const FileDescriptor& file : files) ::flock(file.get(), LOCK_UN);
  }
}

TEST_F(WriterLockTest, NamesAllWhoHoldLocksWhileOtherLocksComeAndGo) {
  const OtherProcess other(path_);
  const FileDescriptor database(::open((directory_.path() + "/stream.db").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct flock all {};
  all.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(database.get(), F_SETLK, &all), 0);
  const test::TemporaryDirectory elsewhere;
  const std::jthread locking([&](const std::stop_token& stop) { keep_locking(elsewhere.path(), stop); });
  for (int i = 0; i < 500; ++i) {
    const std::string message = held_too_long(directory_.path(), 10ms).what();
    for (const pid_t holder : {other.pid(), ::getpid()}) {
      ASSERT_NE(message.find("process " + std::to_string(holder) + " ("), std::string::npos) << i << ": " << message;
    }
  }
}

TEST_F(WriterLockTest, WaitsAsLongAsItIsToldAndNoLonger) {
  const WriterLock other = lock();
  const auto held = other.acquire(20s);
  const WriterLock mine = lock();
  const auto time =
      time_of([&] { EXPECT_EQ(refusal([&] { static_cast<void>(mine.acquire(50ms)); }), ErrorCode::busy); });
  EXPECT_GE(time, 50ms);
  EXPECT_LT(time, 20s);
}

TEST_F(WriterLockTest, IsTakenAsSoonAsItIsFreed) {
  const WriterLock other = lock();
  auto held = std::make_optional(other.acquire(20s));
  std::promise<void> had;
  const std::jthread waiter([&] {
    const WriterLock mine = lock();
    const auto mine_held = mine.acquire(1h);
    had.set_value();
  });
  auto future = had.get_future();
  EXPECT_EQ(future.wait_for(20ms), std::future_status::timeout);
  held.reset();
  EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
}

TEST_F(WriterLockTest, IsNotLeftHeldByAWaitThatWasGivenUp) {
  const WriterLock other = lock();
  const WriterLock mine = lock();
  for (int round = 0; round < 10; ++round) {
    {
      const auto held = other.acquire(20s);
      EXPECT_EQ(refusal([&] { static_cast<void>(mine.acquire(1ms)); }), ErrorCode::busy);
    }
    EXPECT_TRUE(wait_until([&] { return lock().try_acquire().has_value(); }));
  }
}

TEST_F(WriterLockTest, IsNotLeftHeldByAWaiterThatIsGone) {
  const WriterLock other = lock();
  {
    const auto held = other.acquire(20s);
    EXPECT_EQ(refusal([&] { static_cast<void>(lock().acquire(1ms)); }), ErrorCode::busy);
  }
  EXPECT_TRUE(wait_until([&] { return other.try_acquire().has_value(); }));
}

TEST_F(WriterLockTest, IsKeptByASecondWaitAfterAFirstWasGivenUp) {
  const WriterLock other = lock();
  const WriterLock third = lock();
  for (int round = 0; round < 10; ++round) {
    const WriterLock mine = lock();
    auto held = std::make_optional(other.acquire(20s));
    EXPECT_EQ(refusal([&] { static_cast<void>(mine.acquire(1ms)); }), ErrorCode::busy);
    const std::jthread releaser([&] { held.reset(); });
    const auto mine_held = mine.acquire(20s);
    EXPECT_FALSE(wait_until([&] { return third.try_acquire().has_value(); }, 50ms)) << "two hold it, round " << round;
  }
}

TEST_F(WriterLockTest, IsFreedThoughAChildStillHasItsDescriptor) {
  std::array<int, 2> end{};
  ASSERT_EQ(::pipe(end.data()), 0);
  const WriterLock mine = lock();
  pid_t child = -1;
  {
    const auto held = mine.acquire(20s);
    child = ::fork();
    if (child == 0) {
      char byte = 0;
      ::close(end[1]);
      ::_exit(static_cast<int>(::read(end[0], &byte, 1)));
    }
  }
  EXPECT_TRUE(lock().try_acquire());
  ::close(end[0]);
  ::close(end[1]);
  ::waitpid(child, nullptr, 0);
}

TEST_F(WriterLockTest, IsExclusiveAmongManyThreads) {
  std::atomic<int> inside = 0;
  std::atomic<int> together = 0;
  std::atomic<int> turns = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const WriterLock mine = lock();
        for (int turn = 0; turn < 50; ++turn) {
          const auto held = mine.acquire(1h);
          if (++inside != 1) ++together;
          std::this_thread::yield();
          ++turns;
          --inside;
        }
      });
    }
  }
  EXPECT_EQ(together, 0);
  EXPECT_EQ(turns, 200);
}

TEST_F(WriterLockTest, IsNeitherHeldNorWaitedForWhenNoThreadCanBeStarted) {
  const WriterLock mine = lock();
  {
    const WriterLock other = lock();
    const auto held = other.acquire(20s);
    const NoThreads limit;
    if (!NoThreads::holds()) GTEST_SKIP() << "the limit does not hold for this user";
    EXPECT_EQ(refusal([&] { const auto none = mine.acquire(20s); }), ErrorCode::busy);
  }
  EXPECT_LT(time_of([&] { EXPECT_TRUE(mine.try_acquire()); }), 5s);
  EXPECT_TRUE(lock().try_acquire());
}

}  // namespace
}  // namespace shardlog::sqlite

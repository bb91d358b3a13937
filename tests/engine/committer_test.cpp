#include "shardlog/sqlite/committer.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "shardlog/sqlite/database.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace {

/// Called before the writer lock is given back.
std::function<void()> at_release;

}  // namespace

/// Stands before the system's.
extern "C" int flock(int file, int operation) noexcept {
  if (operation == LOCK_UN && at_release) at_release();
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

namespace shardlog::sqlite {
namespace {

using namespace std::chrono_literals;
using test::DatabaseFile;
using test::FileCall;
using test::refusal;
using test::wait_until;

/// A committer of its own, whose changes are tags.
class CreatedStream : public test::StreamTest {
 protected:
  CreatedStream() { create(); }
};

class CommitterTest : public CreatedStream {
 protected:
  void insert(const std::string& name) { database_.exec("INSERT INTO settings VALUES ('" + name + "', 'x')"); }

  bool stored(const std::string& name) {
    return test::RawDatabase(path_).number("SELECT count(*) FROM settings WHERE name = '" + name + "'") == 1;
  }

  /// Whether the mutex could be had, by another thread than the one that may have it.
  bool mutex_is_free() {
    return std::async(std::launch::async, [this] { return std::unique_lock(mutex_, std::try_to_lock).owns_lock(); })
        .get();
  }

  std::mutex mutex_;
  Paths paths_{path_, path_};
  WriterLock lock_{file("lock"), true};
  DatabaseFiles files_{paths_};
  WriterLock other_{file("lock"), true};
  Database database_ = open_database(paths_, OpenMode::read_write);
  Committer committer_{database_, paths_, lock_, files_, {Access::write, 20s, &mutex_}, clock_};
};

TEST_F(CommitterTest, CommitsAChange) {
  committer_.commit(Sync::full, [&] { insert("a"); });
  EXPECT_TRUE(stored("a"));
  EXPECT_TRUE(other_.try_acquire());
}

TEST_F(CommitterTest, RollsBackAChangeThatThrows) {
  EXPECT_THROW(committer_.commit(Sync::full,
                                 [&] {
                                   insert("a");
                                   throw std::runtime_error("no");
                                 }),
               std::runtime_error);
  EXPECT_FALSE(stored("a"));
  EXPECT_TRUE(other_.try_acquire());
  EXPECT_TRUE(mutex_is_free());
  committer_.commit(Sync::full, [&] { insert("b"); });
  EXPECT_TRUE(stored("b"));
  EXPECT_FALSE(stored("a"));
}

TEST_F(CommitterTest, RollsBackAChangeThatSqliteRefuses) {
  committer_.commit(Sync::full, [&] { insert("a"); });
  EXPECT_NE(refusal([&] {
              committer_.commit(Sync::full, [&] {
                insert("b");
                insert("a");
              });
            }),
            std::nullopt);
  EXPECT_FALSE(stored("b"));
  committer_.commit(Sync::full, [&] { insert("c"); });
  EXPECT_TRUE(stored("c"));
}

TEST_F(CommitterTest, HoldsTheLockAndTheMutexDuringTheTransaction) {
  committer_.commit(Sync::full, [&] {
    EXPECT_FALSE(other_.try_acquire());
    EXPECT_FALSE(mutex_is_free());
    insert("a");
  });
  EXPECT_TRUE(other_.try_acquire());
  EXPECT_TRUE(mutex_is_free());
}

TEST_F(CommitterTest, IsTheWriterFromTheBeginningOfTheTransaction) {
  committer_.commit(Sync::full, [&] {
    test::RawDatabase raw(path_);
    sqlite3_busy_timeout(raw.getHandle(), 0);
    EXPECT_EQ(raw.tryExec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  });
}

TEST_F(CommitterTest, GivesTheLockBackBeforeTheMutex) {
  int releases = 0;
  at_release = [&] {
    EXPECT_FALSE(mutex_is_free());
    ++releases;
  };
  committer_.commit(Sync::full, [&] { insert("a"); });
  at_release = nullptr;
  EXPECT_EQ(releases, 1);
}

TEST_F(CommitterTest, LeavesTheLockToOthersWhileItWaitsForTheMutex) {
  std::unique_lock stopped(mutex_);
  const std::jthread committing([&] { committer_.commit(Sync::full, [&] { insert("a"); }); });
  const auto end = std::chrono::steady_clock::now() + 100ms;
  bool had = true;
  while (had && std::chrono::steady_clock::now() < end) {
    had = wait_until([&] { return other_.try_acquire().has_value(); }, 1s);
  }
  EXPECT_TRUE(had) << "the writer lock is held by a process that cannot go on";
  stopped.unlock();
}

TEST_F(CommitterTest, DoesNotHoldTheMutexWhileItWaitsForTheLock) {
  auto held = std::make_optional(other_.acquire(20s));
  std::promise<void> waiting;
  const std::jthread committing([&] {
    waiting.set_value();
    committer_.commit(Sync::full, [&] { insert("a"); });
  });
  waiting.get_future().wait();
  EXPECT_FALSE(wait_until([&] { return !mutex_is_free(); }, 50ms));
  held.reset();
}

TEST_F(CommitterTest, IsRefusedWhenAnotherHoldsTheLockTooLong) {
  Committer impatient(database_, paths_, lock_, files_, {Access::write, 10ms, &mutex_}, clock_);
  {
    const auto held = other_.acquire(20s);
    EXPECT_EQ(refusal([&] { impatient.commit(Sync::full, [&] { insert("a"); }); }), ErrorCode::busy);
    EXPECT_TRUE(mutex_is_free());
  }
  EXPECT_FALSE(stored("a"));
}

TEST_F(CommitterTest, HoldsNeitherLockNorMutexWhileSqliteIsLocked) {
  test::RawDatabase raw(path_);
  raw.exec("BEGIN IMMEDIATE");
  const std::jthread committing([&] { committer_.commit(Sync::full, [&] { insert("a"); }); });
  for (int times = 0; times < 10; ++times) {
    EXPECT_TRUE(wait_until([&] { return other_.try_acquire().has_value(); }));
    EXPECT_TRUE(wait_until([&] { return mutex_is_free(); }));
  }
  raw.exec("ROLLBACK");
  EXPECT_TRUE(wait_until([&] { return stored("a"); }));
}

TEST_F(CommitterTest, IsRefusedWhenSqliteIsLockedTooLong) {
  Committer impatient(database_, paths_, lock_, files_, {Access::write, 10ms, &mutex_}, clock_);
  test::RawDatabase raw(path_);
  raw.exec("BEGIN IMMEDIATE");
  EXPECT_EQ(refusal([&] { impatient.commit(Sync::full, [&] { insert("a"); }); }), ErrorCode::busy);
  EXPECT_TRUE(mutex_is_free());
  EXPECT_TRUE(other_.try_acquire());
  raw.exec("ROLLBACK");
  impatient.commit(Sync::full, [&] { insert("a"); });
  EXPECT_TRUE(stored("a"));
}

/// While it exists, SQLite gets no more memory.
class NoMemory {
 public:
  NoMemory() { sqlite3_hard_heap_limit64(sqlite3_memory_used()); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() { sqlite3_hard_heap_limit64(0); }
};

TEST_F(CommitterTest, GoesOnAfterALackOfMemoryBeforeTheCommit) {
  const auto change = [&] {
    insert("a");
    const NoMemory none;
    database_.exec("INSERT INTO settings VALUES ('b', zeroblob(1000000))");
  };
  EXPECT_EQ(refusal([&] { committer_.commit(Sync::full, change); }), ErrorCode::busy);
  EXPECT_FALSE(lock_.outcome_unknown());
  EXPECT_FALSE(committer_.commit_if_free(change, 1)) << "a later time will do";
  EXPECT_FALSE(lock_.outcome_unknown());
  committer_.commit(Sync::full, [&] { insert("c"); });
  EXPECT_TRUE(stored("c"));
  EXPECT_FALSE(stored("a"));
}

TEST_F(CommitterTest, WaitsForOtherThreadsEvenIfItsChangeCanWait) {
  std::unique_lock busy(mutex_);
  auto added = std::async(std::launch::async, [&] { return committer_.commit_if_free([&] { insert("a"); }, 1); });
  EXPECT_EQ(added.wait_for(50ms), std::future_status::timeout);
  EXPECT_TRUE(other_.try_acquire()) << "but keeps no process waiting meanwhile";
  busy.unlock();
  EXPECT_TRUE(added.get());
  EXPECT_TRUE(stored("a"));
  EXPECT_TRUE(mutex_is_free());
  const auto held = other_.acquire(20s);
  EXPECT_FALSE(committer_.commit_if_free([&] { insert("b"); }, 1)) << "another process is not waited for";
}

TEST_F(CommitterTest, TouchesTheLockAfterTheCommit) {
  std::filesystem::last_write_time(file("lock"), std::filesystem::file_time_type::clock::now() - 1h);
  const auto before = std::filesystem::last_write_time(file("lock"));
  committer_.commit(Sync::full, [&] {
    insert("a");
    EXPECT_EQ(std::filesystem::last_write_time(file("lock")), before);
  });
  EXPECT_GT(std::filesystem::last_write_time(file("lock")), before);
}

TEST_F(CommitterTest, DoesNotTouchTheLockIfNothingWasCommitted) {
  std::filesystem::last_write_time(file("lock"), std::filesystem::file_time_type::clock::now() - 1h);
  const auto before = std::filesystem::last_write_time(file("lock"));
  EXPECT_THROW(committer_.commit(Sync::full, [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(std::filesystem::last_write_time(file("lock")), before);
}

}  // namespace
}  // namespace shardlog::sqlite

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <atomic>
#include <future>
#include <string>

#include "support/temporary_directory.h"
#include "support/wait_until.h"
#include "tools/common/descriptor.h"
#include "tools/stream-serve/streams/catalogue.h"

namespace shardlog::serve {
namespace {

using namespace std::chrono_literals;

/// Its intervals can be stopped, so that what retries for some time retries for ever. Counts how often it is looked at.
class StoppableClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return system_.now(); }
  [[nodiscard]] Duration elapsed() const override {
    ++looks_;
    return stopped_ ? Duration(stopped_at_) : system_.elapsed();
  }

  void stop() {
    stopped_at_ = system_.elapsed().count();
    stopped_ = true;
  }
  [[nodiscard]] int looks() const { return looks_; }

 private:
  SystemClock system_;
  mutable std::atomic<int> looks_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<Duration::rep> stopped_at_ = 0;
};

TEST(Catalogue, ClosesAStreamWithoutHoldingUpTheOthers) {
  const test::TemporaryDirectory directory;
  StoppableClock clock;
  Catalogue catalogue(directory.path(), {}, clock);
  constexpr int kept_open = 32;
  const auto name = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i <= kept_open; ++i) catalogue.create(name(i), {});
  catalogue.use(name(0), [](ServedStream& stream) {  // there is something that it adds to the stream when it is closed
    const Record record{"data", "key"};
    stream.put({&record, 1}, stream.describe(), {});
  });
  for (int i = 1; i < kept_open; ++i) catalogue.use(name(i), [](ServedStream&) {});

  const cli::Descriptor lock(::open((directory.path() + "/s0/lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);  // as another process in a commit
  clock.stop();
  const int looks = clock.looks();
  auto opening = std::async(std::launch::async, [&] { catalogue.use(name(kept_open), [](ServedStream&) {}); });
  EXPECT_TRUE(test::wait_until([&] { return clock.looks() > looks + 100; })) << "the first one waits for the lock";
  auto other = std::async(std::launch::async, [&] { catalogue.use(name(1), [](ServedStream&) {}); });
  EXPECT_EQ(other.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(::flock(lock.get(), LOCK_UN), 0);
  opening.get();
  other.get();
}

}  // namespace
}  // namespace shardlog::serve

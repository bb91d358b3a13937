#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shardlog/engines.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"
#include "tools/stream-serve/api/shard_events.h"
#include "tools/stream-serve/http/feed.h"
#include "tools/stream-serve/streams/subscriptions.h"
#include "tools/stream-serve/wire/event_frame.h"
#include "unit/spent_budget.h"

namespace shardlog::serve {
namespace {

using namespace std::chrono_literals;
using http::Feed;

/// Nothing waits as long.
constexpr auto long_time = 1min;

/// What is in an event without records.
constexpr const char* no_records = "\"Records\":[]";

/// All that comes from a feed until it has ended.
class Receiver {
 public:
  explicit Receiver(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {
    feed_->attach(budget_, {}, [this] {
      const std::lock_guard guard(mutex_);
      is_awake_ = true;
      changed_.notify_all();
    });
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { feed_->leave(); }

  /// Calls `look` with what has come, each time that more came.
  std::string all(const std::function<void(const std::string&)>& look = [](const std::string&) {}) {
    std::string received;
    while (true) {
      std::array<char, 1000> bytes{};
      const Feed::Piece piece = feed_->take(bytes, [this] {
        const std::lock_guard guard(mutex_);
        is_awake_ = false;
      });
      received.append(bytes.data(), piece.size);
      look(received);
      if (piece.size == 0 && piece.state != Feed::State::open) return received;
      if (piece.size == 0 && !wait()) return received + " and no end";
    }
  }

 private:
  bool wait() {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, long_time, [this] { return is_awake_; });
  }

  std::shared_ptr<Feed> feed_;
  http::Budget budget_{1};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_awake_ = false;
};

TEST(EventFrame, IsAsPublished) {
  // Computed by Python: struct.pack and zlib.crc32.
  EXPECT_EQ(wire::event_frame({}, ""),
            std::string("\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff", 16));
  EXPECT_EQ(
      wire::event_frame({{"a", "bc"}}, "{}"),
      std::string(
          "\x00\x00\x00\x19\x00\x00\x00\x07\x96\xb6\xbf\x39\x01\x61\x07\x00\x02\x62\x63\x7b\x7d\x08\x3b\x96\xd8", 25));
}

TEST(Feed, GivesWhatWasWrittenAndThenItsEnd) {
  http::Budget budget(100);
  Feed feed;
  EXPECT_TRUE(feed.write("before ", {}, 0ms));
  int wakes = 0;
  feed.attach(budget, {}, [&wakes] { ++wakes; });
  std::array<char, 5> bytes{};
  EXPECT_EQ(feed.take(bytes).size, 5U);
  EXPECT_EQ(feed.take(bytes).size, 2U);
  EXPECT_EQ(feed.take(bytes).state, Feed::State::open);
  EXPECT_EQ(feed.take(bytes).size, 0U);
  EXPECT_EQ(wakes, 0);
  EXPECT_TRUE(feed.write(std::string(100, 'x'), {}, 0ms));
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(test::is_spent(budget));
  feed.end();
  EXPECT_EQ(wakes, 1) << "nobody waits";
  EXPECT_FALSE(feed.write("x", {}, 0ms));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(feed.take(bytes).size, 5U);
  EXPECT_FALSE(test::is_spent(budget));
  for (int i = 0; i < 2; ++i) {
    const Feed::Piece piece = feed.take(bytes);
    EXPECT_EQ(piece.size, 0U);
    EXPECT_EQ(piece.state, Feed::State::ended);
  }
}

TEST(Feed, DoesNotGrowForAClientThatDoesNotRead) {
  Feed feed;
  const std::string much(1024UL * 1024, 'x');
  EXPECT_TRUE(feed.write(much, {}, 0ms));
  EXPECT_FALSE(feed.write(much, {}, 1ms));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(feed.write(much, stop.get_token(), long_time));
  feed.leave();
  EXPECT_FALSE(feed.write(much, {}, long_time));
  EXPECT_TRUE(feed.gone().stop_requested());
}

TEST(Feed, EndsWithWhatItsClientHasToKnow) {
  const auto feed = std::make_shared<Feed>();
  const std::string much(1024UL * 1024, 'x');
  EXPECT_TRUE(feed->write(much, {}, 0ms));
  EXPECT_FALSE(feed->write("no room", {}, 0ms));
  feed->end("taken over");
  feed->end("once");
  EXPECT_EQ(Receiver(feed).all(), much + "taken over");
}

TEST(Feed, IsBrokenByTheEndOfTheServerUnlessAllWasSent) {
  http::Budget budget(1);
  http::Feeds feeds;
  const auto open = std::make_shared<Feed>();
  const auto ended = std::make_shared<Feed>();
  const auto late = std::make_shared<Feed>();
  int wakes = 0;
  open->attach(budget, {}, [&wakes] { ++wakes; });
  ended->end();
  feeds.add(open);
  feeds.add(ended);
  std::array<char, 5> bytes{};
  open->take(bytes);
  feeds.close();
  feeds.add(late);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(open->take(bytes).state, Feed::State::broken);
  EXPECT_EQ(late->take(bytes).state, Feed::State::broken);
  EXPECT_EQ(ended->take(bytes).state, Feed::State::ended);
}

class SubscriptionTest : public testing::Test {
 protected:
  SubscriptionTest() { create(path_, {}, clock_); }

  /// Delivers a stream without records to its end. Time stands still, but when the n-th event has come, the n-th of
  /// `passes` goes by.
  std::string events(SubscriptionTimes times, const std::vector<Duration>& passes) {
    clock_.freeze();
    std::size_t passed = 0;
    const auto let_pass = [&](const std::string& received) {
      const std::size_t events = count(received, no_records);
      for (; passed < std::min(events, passes.size()); ++passed) clock_.let_pass(passes[passed]);
    };
    const auto delivery = std::make_shared<const api::Delivery>(api::Delivery{
        open(path_, {}, clock_), {ShardId(0), TrimHorizon{}}, wire::Form::json, clock_, times, [](const auto&) {}});
    Subscriptions subscriptions(stop_.get_token(), clock_, times);  // whose thread uses the delivery
    const auto begun =
        subscriptions.begin({"u", "c", ShardId(0)}, [&](const Subscription& each) { deliver(each, *delivery); });
    return Receiver(begun.feed).all(let_pass);
  }

  static void wait_until_over(const Subscription& subscription) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock guard(mutex);
    changed.wait(guard, subscription.over(), [] { return false; });
  }

  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  const test::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/s";
  test::ManualClock clock_;
  std::stop_source stop_;
};

TEST_F(SubscriptionTest, EndsAfterItsTime) {
  const std::string received = events({.lifetime = 5ms, .hold = 5s, .pause = long_time}, {Duration(5ms)});
  EXPECT_EQ(count(received, "initial-response"), 1U);
  EXPECT_EQ(count(received, no_records), 1U) << received;
  EXPECT_EQ(count(received, "exception"), 0U) << received;
}

TEST_F(SubscriptionTest, LastsFiveMinutes) {
  const std::string received = events({.pause = 5ms}, {5min - 1ms, Duration(6ms), long_time});
  EXPECT_EQ(count(received, no_records), 2U) << received;
  EXPECT_EQ(count(received, "exception"), 0U) << received;
}

TEST_F(SubscriptionTest, ShowsThatItIsThereWithoutRecords) {
  const std::string received = events({.lifetime = long_time, .hold = 5s, .pause = 5ms}, {Duration(5ms), long_time});
  EXPECT_GE(count(received, no_records), 2U) << received;
}

TEST_F(SubscriptionTest, IsTakenOverAfterAWhile) {
  for (const Duration hold : {Duration(long_time), Duration(0)}) {
    Subscriptions subscriptions(stop_.get_token(), clock_, {.lifetime = long_time, .hold = hold, .pause = long_time});
    const auto wait = [](const Subscription& each) {
      wait_until_over(each);
      if (each.end() == Subscription::End::taken_over) each.feed().write("taken over", {}, 0ms);
    };
    const SubscriptionKey key{"u", "c", ShardId(0)};
    const auto first = subscriptions.begin(key, wait);
    const auto second = subscriptions.begin(key, wait);
    EXPECT_TRUE(subscriptions.begin({"u", "c", ShardId(1)}, wait).feed);
    EXPECT_TRUE(subscriptions.begin({"u", "d", ShardId(0)}, wait).feed);
    EXPECT_EQ(second.feed != nullptr, hold == Duration(0));
    if (second.feed) {
      EXPECT_EQ(Receiver(first.feed).all(), "taken over");
    }
  }
}

TEST_F(SubscriptionTest, CannotBeOneOfTooMany) {
  Subscriptions subscriptions(stop_.get_token(), clock_);
  for (std::uint32_t i = 0; i < 256; ++i) {
    EXPECT_TRUE(subscriptions.begin({"u", "c", ShardId(i)}, wait_until_over).feed) << i;
  }
  const auto refused = subscriptions.begin({"u", "c", ShardId(256)}, wait_until_over);
  EXPECT_FALSE(refused.feed);
  EXPECT_EQ(refused.why, Subscriptions::Refused::too_many);
}

TEST_F(SubscriptionTest, CanBeRenewedAmongAsManyAsThereCanBe) {
  std::promise<void> promise;
  const auto may_end = promise.get_future().share();
  std::promise<const Subscription*> last;
  const auto end_slowly = [may_end](const Subscription& subscription) {
    wait_until_over(subscription);
    may_end.wait();
  };
  Subscriptions subscriptions(stop_.get_token(), clock_, {.hold = 0s});  // whose threads use what is above
  const auto begin = [&](std::uint32_t shard) { return subscriptions.begin({"u", "c", ShardId(shard)}, end_slowly); };
  for (std::uint32_t i = 0; i < 256; ++i) EXPECT_TRUE(begin(i).feed) << i;
  for (std::uint32_t i = 0; i < 255; ++i) EXPECT_TRUE(begin(i).feed) << "renewed " << i;
  EXPECT_EQ(begin(256).why, Subscriptions::Refused::too_many);
  EXPECT_TRUE(subscriptions
                  .begin({"u", "c", ShardId(255)},
                         [&](const Subscription& subscription) {
                           last.set_value(&subscription);
                           end_slowly(subscription);
                         })
                  .feed);
  const Subscription* const running = last.get_future().get();
  EXPECT_EQ(begin(255).why, Subscriptions::Refused::too_many) << "the threads of those before have not ended";
  EXPECT_FALSE(running->over().stop_requested()) << "nothing takes its place";
  promise.set_value();
}

}  // namespace
}  // namespace shardlog::serve

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include "shardlog/nats/nats_engine.h"
#include "shardlog/nats/scan.h"
#include "support/stream_test.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;

/// A stream on the servers in $SHARDLOG_NATS_URL.
class NatsScan : public testing::Test {
 protected:
  void SetUp() override {
    const char* const url = std::getenv("SHARDLOG_NATS_URL");
    if (url == nullptr) GTEST_SKIP() << "no servers";
    address_ = std::string(url) + "/scan-" + std::to_string(getpid()) + "?replicas=1";
    engine_.create(address_, test::of_shards(1), clock_);
    stream_ = engine_.open(address_, {Access::write}, clock_);
    session_ = std::make_unique<Session>(parse_address(address_), OpenOptions{.access = Access::write}, clock_);
  }
  void TearDown() override {
    stream_.reset();
    if (!address_.empty()) engine_.remove(address_, {Access::write}, clock_);
  }

  void put(const std::string& data) {
    const RoutedBatch batch = test::batch_of(0, {data});
    EXPECT_TRUE(std::holds_alternative<Stored>(stream_->append({{&batch, 1}}).at(0)));
  }
  [[nodiscard]] std::string subject() const {
    return session_->names().data_subject(session_->control().epoch, ShardId(0), no_producer);
  }

  SystemClock clock_;
  NatsEngine engine_;
  std::string address_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Session> session_;
};

TEST_F(NatsScan, DoesNotEndBeforeTheLeaderHasTheLastMessage) {
  put("first");
  Scan scan(*session_, {.until = 2, .headers_only = true});
  const auto first = scan.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sequence, 1);
  auto second = std::async(std::launch::async, [&] { return scan.next(); });
  EXPECT_EQ(second.wait_for(1s), std::future_status::timeout);  // the leader has told that it lacks it by then
  put("second");
  const auto message = second.get();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->sequence, 2);
  EXPECT_FALSE(scan.next());
  EXPECT_FALSE(scan.next());
}

TEST_F(NatsScan, EndsWhereTheLastMessagesWereRemoved) {
  for (const char* const data : {"first", "second", "third"}) put(data);
  const auto purged = session_->js().purge(session_->names().data_stream(), {}, 4, 1s);
  EXPECT_EQ(std::get<std::uint64_t>(purged), 3);
  Scan scan(*session_, {.until = 3, .headers_only = true});
  EXPECT_FALSE(scan.next());
  Scan following(*session_, {.from = 2, .follow = true});
  EXPECT_TRUE(following.at_tail());
}

TEST_F(NatsScan, AMajorityTellsTheLastSequenceAndNothingIsStored) {
  EXPECT_EQ(std::get<std::uint64_t>(settled_sequence(*session_, subject(), 1s)), 0);
  put("first");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(std::get<std::uint64_t>(settled_sequence(*session_, subject(), 1s)), 1);
  EXPECT_EQ(last_sequence(*session_), 1);
  const std::string other = session_->names().data_subject(session_->control().epoch + 1, ShardId(0), no_producer);
  EXPECT_TRUE(std::holds_alternative<Unavailable>(settled_sequence(*session_, other, 1s)));
}

}  // namespace
}  // namespace shardlog::nats

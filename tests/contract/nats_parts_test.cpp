#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "shardlog/nats/nats_engine.h"
#include "shardlog/nats/notice.h"
#include "shardlog/nats/scan.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;

/// A stream on the servers in $SHARDLOG_NATS_URL.
class NatsParts : public testing::Test {
 protected:
  void SetUp() override {
    const char* const url = std::getenv("SHARDLOG_NATS_URL");
    if (url == nullptr) GTEST_SKIP() << "no servers";
    name_ = "/parts-" + std::to_string(getpid()) + "?replicas=1";
    address_ = url + name_;
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
  std::string name_;
  std::string address_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Session> session_;
};

class NatsScan : public NatsParts {};

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

TEST_F(NatsParts, AnInboxMissesNothingThatComesToItsServerLater) {
  const std::string first = address_.substr(0, address_.find_first_of(",/", address_.find("//") + 2));
  const auto connect = [&] {
    return std::make_unique<Session>(parse_address(first + name_), OpenOptions{.access = Access::write}, clock_);
  };
  const auto listener = connect();
  const auto teller = connect();
  const std::string said = "said-" + std::to_string(getpid());
  for (int i = 0; i < 50; ++i) {
    Inbox inbox(listener->js().connection(), said);
    ASSERT_TRUE(teller->js().connection().publish(said, {}, {}, {}));
    ASSERT_TRUE(inbox.next(20s)) << "the time " << i;
  }
}

class NatsHints : public NatsParts {
 protected:
  /// Breaks every connection of this process, as a router that restarts would.
  static void lose_connections() {
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
      ::shutdown(std::stoi(each.path().filename()), SHUT_RDWR);  // a file that is not a socket stays as it is
    }
  }

  static testing::AssertionResult is_heard(Hints& hints) {
    const bool is = test::wait_until([&] { return hints.heard(10ms); });
    return is ? testing::AssertionSuccess() : testing::AssertionFailure() << "nothing was heard";
  }
};

TEST_F(NatsHints, CauseALookThatFindsWhatTheOtherServersDidNotPassOn) {
  Hints hints(*session_, Hints::Of::changes);
  EXPECT_FALSE(hints.heard(0ms));
  EXPECT_TRUE(is_heard(hints));
  EXPECT_FALSE(hints.heard(20ms)) << "once";
}

TEST_F(NatsHints, CauseALookAfterALostConnectionAndOneMore) {
  Hints hints(*session_, Hints::Of::changes);
  EXPECT_TRUE(is_heard(hints));
  lose_connections();
  EXPECT_TRUE(is_heard(hints)) << "lost";
  session_->refresh(session_->patience());
  EXPECT_TRUE(is_heard(hints)) << "subscribed again";
  EXPECT_FALSE(hints.heard(20ms));
}

}  // namespace
}  // namespace shardlog::nats

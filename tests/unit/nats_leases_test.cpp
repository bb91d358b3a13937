#include <gtest/gtest.h>

#include "shardlog/core/uuid.h"
#include "shardlog/nats/leader_consumer.h"
#include "shardlog/nats/leases.h"
#include "shardlog/nats/liveness.h"
#include "support/refusal.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;
using test::refusal;

Consumer example() {
  Consumer consumer{"billing", make_uuid(), 3, Timestamp(1s)};
  Lease lease{ShardId(7)};
  lease.owner = LeaseOwner{"worker \n 1", "host/boot/1/token", 10s};
  lease.claimant = LeaseOwner{"", "", 1us};
  lease.epoch = 300;
  lease.counter = 1UL << 62;
  lease.generation = 2;
  lease.checkpoint = AtSequence{*SequenceNumber::parse(std::string(129, '9')), Timestamp(5s)};
  consumer.leases = {lease, Lease{ShardId(9)}};
  return consumer;
}

TEST(NatsConsumerFormat, KeepsEverything) {
  const Consumer consumer = example();
  EXPECT_EQ(decode_consumer(encode(consumer)), consumer);
  EXPECT_EQ(decode_consumer(encode(std::nullopt)), std::nullopt);
}

TEST(NatsConsumerFormat, EveryFlippedByteIsNoticed) {
  const std::string text = encode(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_NE(refusal([&] { decode_consumer(damaged); }), std::nullopt) << i;
    EXPECT_EQ(refusal([&] { decode_consumer(text.substr(0, i)); }), ErrorCode::corrupt) << i;
  }
}

TEST(NatsConsumerFormat, OfANewerVersionIsNotGuessedAt) {
  std::string text = encode(example());
  text[4] = 2;
  EXPECT_EQ(refusal([&] { decode_consumer(text); }), ErrorCode::unsupported);
}

TEST(NatsLiveness, TellsObjectsApartAndDescribesThem) {
  ServerLiveness one;
  ServerLiveness other;
  EXPECT_NE(one.self(), other.self());
  EXPECT_EQ(one.state_of(one.self()), Liveness::State::alive);
  EXPECT_EQ(one.state_of(other.self()), Liveness::State::unknown);
  EXPECT_EQ(one.describe("alpha/3f-2a/4711/00ff"), "pid 4711 on alpha");
  for (const char* const odd : {"", "alpha", "alpha/00ff", "alpha/4711/00ff"}) EXPECT_EQ(one.describe(odd), "") << odd;
}

TEST(NatsDelivery, IsReadFromItsReplySubject) {
  const auto delivery = parse_delivery("$JS.ACK.D.5BpH4VPQ.1.2000.3.1795730059458397728.12");
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->sequence, 2000U);
  EXPECT_EQ(delivery->number, 3U);
  EXPECT_EQ(delivery->time, Timestamp(1795730059458397us));
  EXPECT_EQ(delivery->pending, 12U);
  for (const char* const longer : {"$JS.ACK._.hash.D.c.1.2000.3.1000.12", "$JS.ACK.hub.hash.D.c.1.2000.3.1000.12.x"}) {
    EXPECT_EQ(parse_delivery(longer).value().sequence, 2000U) << longer;
    EXPECT_EQ(parse_delivery(longer).value().pending, 12U) << longer;
  }
}

TEST(NatsDelivery, IsNotFoundInOtherSubjects) {
  for (const char* const odd :
       {"", "_INBOX.a.b", "$JS.ACK.", "$JS.ACK.D.c.1.2.3.4", "$JS.ACK.D.c.1.2.3.4.x", "$JS.ACK.D.c.1.2.3.4.5.6"}) {
    EXPECT_FALSE(parse_delivery(odd)) << odd;
  }
}

}  // namespace
}  // namespace shardlog::nats

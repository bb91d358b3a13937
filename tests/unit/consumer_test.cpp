#include "shardlog/consuming/consumer.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/refusal.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;
using test::refusal;

class ConsumerTest : public testing::Test {
 protected:
  Consumer consumer() { return stream_.leases().find("billing").value(); }
  Lease lease(std::size_t place) { return consumer().leases.at(place); }

  /// As a worker would.
  void own(std::size_t place, const LeaseOwner& owner) {
    const Lease before = lease(place);
    Lease after = before;
    after.owner = owner;
    ++after.epoch;
    const LeaseChange change{before, after};
    ASSERT_TRUE(stream_.leases().change(consumer().uuid, {&change, 1}));
  }

  test::ManualClock clock_;
  test::MemoryStore store_{2};
  test::MemoryStream stream_{store_};
  const LeaseOwner live_{"w1", stream_.liveness().self()};
};

TEST_F(ConsumerTest, IsMadeOnce) {
  store_.put(1, {"a", "b"});
  EXPECT_TRUE(make_consumer(stream_, "billing", Latest{}, clock_));
  EXPECT_FALSE(make_consumer(stream_, "billing", TrimHorizon{}, clock_));
  EXPECT_EQ(lease(1).checkpoint, Checkpoint(AtSequence{SequenceNumber(3)}));
  EXPECT_EQ(consumer().generation, 1U);
}

TEST_F(ConsumerTest, IsNotMadeIfAnotherProcessWasFaster) {
  stream_.leases().before_change = [this] {
    stream_.leases().before_change = nullptr;
    EXPECT_TRUE(make_consumer(stream_, "billing", TrimHorizon{}, clock_));
  };
  EXPECT_FALSE(make_consumer(stream_, "billing", Latest{}, clock_));
}

TEST_F(ConsumerTest, OfASequenceNumberOrAnOddNameIsRefused) {
  EXPECT_EQ(refusal([&] { make_consumer(stream_, "billing", AtSequence{SequenceNumber(1)}, clock_); }),
            ErrorCode::usage);
  EXPECT_EQ(refusal([&] { make_consumer(stream_, "a b", Latest{}, clock_); }), ErrorCode::usage);
  EXPECT_EQ(
      refusal([&] { seek_consumer(stream_, "billing", AtSequence{SequenceNumber(1)}, {}, {.make = true}, clock_); }),
      ErrorCode::usage);
}

TEST_F(ConsumerTest, SoughtIsOfANewGenerationAndHigherEpochs) {
  make_consumer(stream_, "billing", Latest{}, clock_);
  own(0, {"w1", test::MemoryStream(store_).liveness().self()});
  seek_consumer(stream_, "billing", TrimHorizon{}, {}, {.make = true, .force = true}, clock_);
  EXPECT_EQ(consumer().generation, 2U);
  for (const Lease& each : consumer().leases) {
    EXPECT_EQ(each, (Lease{each.shard, {}, {}, 2, 0, 2, TrimHorizon{}}));
  }
}

TEST_F(ConsumerTest, SoughtInOneShardLeavesTheOthersAsTheyAre) {
  store_.put(0, {"a", "b", "c"});
  make_consumer(stream_, "billing", Latest{}, clock_);
  own(1, live_);
  const Lease other = lease(1);
  seek_consumer(stream_, "billing", AtSequence{SequenceNumber(2)}, ShardId(0), {.make = true}, clock_);
  EXPECT_EQ(lease(0).checkpoint, Checkpoint(AtSequence{SequenceNumber(2)}));
  EXPECT_EQ(lease(0).generation, 2U);
  EXPECT_EQ(lease(0).epoch, 2U);
  EXPECT_EQ(lease(1), other);
}

TEST_F(ConsumerTest, ThatIsNotThereIsMadeBySeek) {
  seek_consumer(stream_, "billing", Latest{}, {}, {.make = true}, clock_);
  EXPECT_EQ(lease(0).checkpoint, Checkpoint(AtSequence{SequenceNumber(1)}));
  EXPECT_EQ(consumer().generation, 1U);
}

TEST_F(ConsumerTest, WithALiveWorkerIsNotTakenAway) {
  make_consumer(stream_, "billing", Latest{}, clock_);
  own(1, live_);
  const Consumer before = consumer();
  EXPECT_EQ(refusal([&] { seek_consumer(stream_, "billing", Latest{}, {}, {.make = true}, clock_); }), ErrorCode::busy);
  EXPECT_EQ(refusal([&] { seek_consumer(stream_, "billing", Latest{}, ShardId(1), {.make = true}, clock_); }),
            ErrorCode::busy);
  EXPECT_EQ(refusal([&] { forget_consumer(stream_, "billing", false); }), ErrorCode::busy);
  EXPECT_EQ(consumer(), before);
  seek_consumer(stream_, "billing", Latest{}, {}, {.make = true, .force = true}, clock_);
  EXPECT_EQ(lease(1).owner, std::nullopt);
}

TEST_F(ConsumerTest, OfAWorkerOfWhichNothingIsKnownIsTakenAwayOnceItStoodStill) {
  make_consumer(stream_, "billing", Latest{}, clock_);
  own(0, {"w1", "another-host/1/1/1", 60ms});
  seek_consumer(stream_, "billing", TrimHorizon{}, {}, {}, clock_);
  EXPECT_EQ(lease(0).owner, std::nullopt);
  own(0, {"w1", "another-host/1/1/1", 60ms});
  forget_consumer(stream_, "billing", false);
  EXPECT_EQ(stream_.leases().find("billing"), std::nullopt);
}

TEST_F(ConsumerTest, OfAWorkerThatRenewsItsLeaseIsNotTakenAway) {
  make_consumer(stream_, "billing", Latest{}, clock_);
  own(0, {"w1", "another-host/1/1/1", 500ms});
  const std::jthread worker([this](const std::stop_token& stop) {
    test::MemoryStream stream(store_);
    while (!stop.stop_requested()) {
      const auto there = stream.leases().find("billing");
      Lease renewed = there->leases.at(0);
      ++renewed.counter;
      const LeaseChange change{there->leases.at(0), renewed};
      stream.leases().change(there->uuid, {&change, 1});
      std::this_thread::sleep_for(5ms);
    }
  });
  EXPECT_EQ(refusal([&] { seek_consumer(stream_, "billing", Latest{}, {}, {}, clock_); }), ErrorCode::busy);
  EXPECT_EQ(refusal([&] { forget_consumer(stream_, "billing", false); }), ErrorCode::busy);
}

TEST_F(ConsumerTest, IsForgotten) {
  make_consumer(stream_, "billing", Latest{}, clock_);
  forget_consumer(stream_, "billing", false);
  EXPECT_EQ(stream_.leases().find("billing"), std::nullopt);
  EXPECT_EQ(refusal([&] { forget_consumer(stream_, "billing", false); }), ErrorCode::not_found);
}

TEST_F(ConsumerTest, GoesOnAtItsFirstUnprocessedRecord) {
  Consumer shown;
  shown.leases = {{ShardId(0), {}, {}, 0, 0, 1, ShardEnd{}},
                  {ShardId(1), {}, {}, 0, 0, 1, AfterSequence{SequenceNumber(7)}}};
  const auto starts = starts_of(shown);
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].shard, ShardId(1));
  EXPECT_EQ(std::get<AfterSequence>(starts[0].from).sequence, SequenceNumber(7));
}

}  // namespace
}  // namespace shardlog::consuming

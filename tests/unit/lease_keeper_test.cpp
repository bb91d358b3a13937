#include "shardlog/consuming/lease_keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "shardlog/consuming/consumer.h"
#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/refusal.h"
#include "support/shards.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;
using test::refusal;

constexpr Duration duration = 10s;

/// Of another machine: nothing is known of it but what it writes.
LeaseOwner elsewhere(const std::string& worker) {
  return {worker, "another-boot/1/1/1", duration};
}

class LeaseKeeperTest : public testing::Test {
 protected:
  LeaseKeeperTest() {
    clock_.freeze();
    make_consumer(stream_a_, "billing", TrimHorizon{}, clock_);
  }

  LeaseKeeper keeper(Stream& stream, const LeaseOwner& me, bool follow = false) {
    return {stream, clock_, {"billing", me, follow}};
  }
  LeaseKeeper a(bool follow = false) { return keeper(stream_a_, elsewhere("a"), follow); }
  LeaseKeeper b(bool follow = false) { return keeper(stream_b_, elsewhere("b"), follow); }

  static LeaseKeeper tended(LeaseKeeper keeper) {
    keeper.tend();
    return keeper;
  }

  LeaseKeeper takes_over_after_a_pause() {
    LeaseKeeper other = tended(b());
    let_pass(duration * 11 / 10, other);
    return other;
  }

  /// Meanwhile the worker looks whenever it has to.
  void let_pass(Duration time, LeaseKeeper& worker) {
    while (time > 0us) {
      const Duration step = std::clamp<Duration>(worker.until_due(), 1us, time);
      clock_.let_pass(step);
      time -= step;
      if (worker.until_due() == 0us) worker.tend();
    }
  }

  /// Its process has ended.
  LeaseOwner gone(const std::string& worker) {
    return {worker, test::MemoryStream(store_).liveness().self(), duration};
  }

  static bool unwritten(const LeaseKeeper& keeper) {
    return std::any_of(keeper.held().begin(), keeper.held().end(),
                       [](const auto& held) { return held.second.reached != held.second.lease.checkpoint; });
  }

  Consumer consumer() { return stream_a_.leases().find("billing").value(); }
  Lease lease(std::size_t place) { return consumer().leases.at(place); }

  static std::string message(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  test::ManualClock clock_;
  test::MemoryStore store_{2};
  test::MemoryStream stream_a_{store_};
  test::MemoryStream stream_b_{store_};
};

TEST_F(LeaseKeeperTest, TakesFreeLeases) {
  LeaseKeeper one = a();
  EXPECT_EQ(one.until_due(), 0us);
  one.tend();
  EXPECT_EQ(one.held().size(), 2U);
  EXPECT_EQ(lease(0).owner, elsewhere("a"));
  EXPECT_EQ(lease(0).epoch, 1U);
  EXPECT_EQ(one.until_due(), duration / 3);
}

TEST_F(LeaseKeeperTest, TakesALeaseThatStoodStillForOneDurationAndNotBefore) {
  LeaseKeeper one = tended(a());
  clock_.let_pass(1h);  // nobody looked: that is no proof of anything
  LeaseKeeper other = tended(b());
  let_pass(duration - 1us, other);
  EXPECT_TRUE(other.held().empty());
  EXPECT_LE(other.until_due(), duration / 30);
  let_pass(other.until_due(), other);
  EXPECT_EQ(other.held().size(), 2U);
  EXPECT_EQ(lease(0).owner, elsewhere("b"));
  EXPECT_EQ(lease(0).epoch, 2U);
}

TEST_F(LeaseKeeperTest, TakesNoLeaseBecauseNobodyCouldRenewOneForAWhile) {
  LeaseKeeper one = tended(a());
  LeaseKeeper other = tended(b());
  let_pass(duration / 3, other);
  clock_.let_pass(duration * 4 / 5);  // the servers did not answer
  other.tend();
  EXPECT_TRUE(other.held().empty());
  one.tend();
  let_pass(duration - 1us, other);
  EXPECT_TRUE(other.held().empty());
  let_pass(duration / 3, other);
  EXPECT_EQ(other.held().size(), 2U);
}

TEST_F(LeaseKeeperTest, LeavesALeaseThatIsRenewed) {
  LeaseKeeper one = a();
  LeaseKeeper other = b();
  one.tend();
  for (int i = 0; i < 100; ++i) {
    clock_.let_pass(one.until_due());
    one.tend();
    if (other.until_due() == 0us) other.tend();
  }
  EXPECT_TRUE(other.held().empty());
  EXPECT_FALSE(other.unknown_until()) << "it was seen to move";
}

TEST_F(LeaseKeeperTest, TakesTheLeaseOfAProcessThatIsGoneAtOnce) {
  LeaseKeeper one = tended(keeper(stream_a_, gone("a")));
  LeaseKeeper other = tended(b());
  EXPECT_EQ(other.held().size(), 2U);
}

TEST_F(LeaseKeeperTest, ThatWasPausedChangesNothingAndSaysWhoTookOver) {
  LeaseKeeper one = tended(a());
  LeaseKeeper other = takes_over_after_a_pause();
  other.advance(ShardId(0), AfterSequence{SequenceNumber(3)});
  other.commit();
  const Consumer before = consumer();
  one.advance(ShardId(0), AfterSequence{SequenceNumber(9)});
  EXPECT_EQ(message([&] { one.tend(); }),
            "lease of shardId-000000000000 was taken over by worker 'b' (on another host)");
  EXPECT_EQ(refusal([&] { one.commit(); }), ErrorCode::fenced);
  EXPECT_EQ(refusal([&] { one.finish(ShardId(0)); }), ErrorCode::fenced);
  EXPECT_EQ(refusal([&] { one.release(); }), ErrorCode::fenced);
  EXPECT_EQ(consumer(), before);
}

TEST_F(LeaseKeeperTest, ThatWasPausedSaysThatTheWorkerThatTookOverHasLeft) {
  LeaseKeeper one = tended(a());
  LeaseKeeper other = takes_over_after_a_pause();
  other.release();
  EXPECT_EQ(message([&] { one.tend(); }),
            "lease of shardId-000000000000 was taken over by another worker, which has given it back since");
}

TEST_F(LeaseKeeperTest, ThatWasPausedGoesOnIfNobodyTookOver) {
  LeaseKeeper one = tended(a());
  clock_.let_pass(100 * duration);
  one.tend();
  EXPECT_EQ(one.held().size(), 2U);
  EXPECT_EQ(lease(0).epoch, 1U);
}

TEST_F(LeaseKeeperTest, IsFencedByItsDouble) {
  LeaseKeeper one = tended(a());
  LeaseKeeper twin = tended(keeper(stream_b_, elsewhere("a")));
  twin.advance(ShardId(0), AfterSequence{SequenceNumber(5)});
  twin.commit();
  one.advance(ShardId(0), AfterSequence{SequenceNumber(9)});
  EXPECT_EQ(refusal([&] { one.commit(); }), ErrorCode::fenced);
}

TEST_F(LeaseKeeperTest, IsFencedByASeekAndByARemoval) {
  LeaseKeeper one = tended(a());
  seek_consumer(stream_b_, "billing", Latest{}, {}, {.make = true, .force = true}, clock_);
  EXPECT_EQ(message([&] {
              one.advance(ShardId(0), AfterSequence{SequenceNumber(9)});
              one.commit();
            }),
            "lease of shardId-000000000000: the checkpoint was set by somebody else");
  forget_consumer(stream_b_, "billing", true);
  EXPECT_EQ(refusal([&] { one.commit(); }), ErrorCode::fenced);
  make_consumer(stream_b_, "billing", Latest{}, clock_);
  EXPECT_EQ(refusal([&] { one.commit(); }), ErrorCode::fenced);
}

TEST_F(LeaseKeeperTest, OfAConsumerThatIsNotThereIsRefused) {
  forget_consumer(stream_a_, "billing", true);
  LeaseKeeper one = a();
  EXPECT_EQ(refusal([&] { one.tend(); }), ErrorCode::not_found);
}

TEST_F(LeaseKeeperTest, WritesACheckpointThatNeverMovesBackwards) {
  LeaseKeeper one = tended(a());
  EXPECT_FALSE(unwritten(one));
  one.delivering(ShardId(1), SequenceNumber(12));
  one.processed({ShardId(1), SequenceNumber(10)});
  one.processed({ShardId(1), SequenceNumber(9)});
  EXPECT_TRUE(unwritten(one));
  EXPECT_TRUE(one.held().at(ShardId(1)).outstanding);
  one.commit();
  EXPECT_FALSE(unwritten(one));
  EXPECT_EQ(lease(1).checkpoint, Checkpoint(AfterSequence{SequenceNumber(10)}));
  EXPECT_EQ(lease(0).counter, 1U) << "of the take";
  EXPECT_EQ(lease(1).counter, 2U);
}

TEST_F(LeaseKeeperTest, WritesCheckpointsWithARenewalThatIsDue) {
  LeaseKeeper one = tended(a());
  int writes = 0;
  stream_a_.leases().before_change = [&] { ++writes; };
  one.advance(ShardId(1), AfterSequence{SequenceNumber(10)});
  clock_.let_pass(one.until_due());
  one.commit();
  EXPECT_EQ(lease(0).counter, 2U);
  EXPECT_EQ(lease(1).counter, 2U);
  one.tend();
  EXPECT_EQ(writes, 1);
}

TEST_F(LeaseKeeperTest, CountsAGapAsReadOnceEverythingBeforeItIsProcessed) {
  LeaseKeeper one = tended(a());
  one.delivering(ShardId(0), SequenceNumber(4));
  one.told({ShardId(0), SequenceNumber(5), SequenceNumber(9)});
  EXPECT_FALSE(unwritten(one));
  one.processed({ShardId(0), SequenceNumber(4)});
  EXPECT_EQ(one.held().at(ShardId(0)).reached, Checkpoint(AfterSequence{SequenceNumber(9)}));
}

TEST_F(LeaseKeeperTest, ClaimsOneShardFromAWorkerWithMore) {
  LeaseKeeper one = tended(a(true));
  LeaseKeeper other = tended(b(true));
  other.take_the_rest();
  EXPECT_TRUE(other.held().empty());
  EXPECT_EQ((lease(0).claimant ? 1 : 0) + (lease(1).claimant ? 1 : 0), 1);
}

TEST_F(LeaseKeeperTest, HandsAClaimedShardOverOnceItsRecordsAreDealtWith) {
  LeaseKeeper one = tended(a(true));
  one.delivering(ShardId(0), SequenceNumber(4));
  one.delivering(ShardId(1), SequenceNumber(4));
  LeaseKeeper other = tended(b(true));
  const ShardId claimed = lease(0).claimant ? ShardId(0) : ShardId(1);
  const std::uint64_t version = one.version();
  clock_.let_pass(one.until_due());
  one.tend();
  EXPECT_EQ(one.held().size(), 2U) << "adopted by the renewal that was refused";
  EXPECT_TRUE(one.held().at(claimed).claimed());
  EXPECT_NE(one.version(), version);
  one.processed({claimed, SequenceNumber(4)});
  one.honour_claims();
  EXPECT_EQ(one.held().size(), 1U);
  other.take_the_rest();
  ASSERT_EQ(other.held().size(), 1U);
  const Lease& handed = other.held().at(claimed).lease;
  EXPECT_EQ(handed.epoch, 2U);
  EXPECT_EQ(handed.checkpoint, Checkpoint(AfterSequence{SequenceNumber(4)}));
  EXPECT_EQ(other.until_due(), duration / 3);
}

TEST_F(LeaseKeeperTest, DropsTheClaimOfAProcessThatIsGone) {
  LeaseKeeper one = tended(a(true));
  LeaseKeeper other = tended(keeper(stream_b_, gone("b"), true));
  clock_.let_pass(one.until_due());
  one.tend();
  EXPECT_EQ(one.held().size(), 2U);
  EXPECT_EQ(lease(0).claimant, std::nullopt);
  EXPECT_EQ(lease(1).claimant, std::nullopt);
}

TEST_F(LeaseKeeperTest, GivesEverythingBack) {
  LeaseKeeper one = tended(a(true));
  LeaseKeeper other = tended(b(true));
  other.release();
  EXPECT_EQ(lease(0).claimant, std::nullopt);
  EXPECT_EQ(lease(1).claimant, std::nullopt);
  one.advance(ShardId(0), AfterSequence{SequenceNumber(2)});
  one.release();
  EXPECT_EQ(lease(0).owner, std::nullopt);
  EXPECT_EQ(lease(0).checkpoint, Checkpoint(AfterSequence{SequenceNumber(2)}));
  EXPECT_TRUE(one.held().empty());
}

TEST_F(LeaseKeeperTest, GivesBackWhatItGotWhileItLeft) {
  LeaseKeeper one = tended(a(true));
  LeaseKeeper other = tended(b(true));
  clock_.let_pass(one.until_due());
  one.tend();
  EXPECT_EQ(one.held().size(), 1U);
  other.release();
  for (const Lease& each : consumer().leases) EXPECT_NE(each.owner, elsewhere("b"));
}

TEST_F(LeaseKeeperTest, ChildrenWaitForBothParents) {
  store_.reshard({{ShardId(0), ShardId(1)}, {{ShardId(2), test::all_keys, ShardId(0), ShardId(1)}}});
  LeaseKeeper one = tended(a());
  one.finish(ShardId(0));
  one.tend();
  EXPECT_EQ(one.held().size(), 1U);
  EXPECT_EQ(lease(0).checkpoint, Checkpoint(ShardEnd{}));
  one.finish(ShardId(1));
  EXPECT_EQ(one.until_due(), 0us);
  one.tend();
  ASSERT_EQ(one.held().size(), 1U);
  EXPECT_EQ(one.held().begin()->first, ShardId(2));
  EXPECT_EQ(one.held().begin()->second.reached, Checkpoint(Beginning{}));
  EXPECT_EQ(consumer().leases.size(), 1U);
  EXPECT_EQ(lease(0).epoch, 2U) << "one more than its parents'";
}

TEST_F(LeaseKeeperTest, BothParentsFinishedAtOnceStillMakeTheChild) {
  store_.reshard({{ShardId(0), ShardId(1)}, {{ShardId(2), test::all_keys, ShardId(0), ShardId(1)}}});
  LeaseKeeper one(stream_a_, clock_, {"billing", elsewhere("a"), false, 2});
  LeaseKeeper other(stream_b_, clock_, {"billing", elsewhere("b"), false, 2});
  one.tend();
  other.tend();
  ASSERT_EQ(one.held().size(), 1U);
  ASSERT_EQ(other.held().size(), 1U);
  bool first = true;
  stream_a_.leases().before_change = [&] {
    if (std::exchange(first, false)) other.finish(other.held().begin()->first);
  };
  one.finish(one.held().begin()->first);
  one.tend();
  ASSERT_EQ(consumer().leases.size(), 1U);
  EXPECT_EQ(lease(0).shard, ShardId(2));
  EXPECT_EQ(lease(0).owner, elsewhere("a"));
}

TEST_F(LeaseKeeperTest, TakesNoShardOpenedAfterItsLastShard) {
  LeaseKeeper one(stream_a_, clock_, {"billing", elsewhere("a"), false, 1, ShardId(0)});
  one.tend();
  one.take_the_rest();
  EXPECT_EQ(one.held().size(), 1U);
}

TEST_F(LeaseKeeperTest, ThatBeginsWithOthersTakesItsShareAndThenTheRest) {
  LeaseKeeper one(stream_a_, clock_, {"billing", elsewhere("a"), false, 2});
  one.tend();
  EXPECT_EQ(one.held().size(), 1U);
  one.take_the_rest();
  EXPECT_EQ(one.held().size(), 2U);
}

}  // namespace
}  // namespace shardlog::consuming

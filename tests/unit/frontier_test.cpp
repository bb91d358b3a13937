#include "shardlog/consuming/frontier.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/shards.h"

namespace shardlog::consuming {
namespace {

using Numbers = std::vector<std::uint32_t>;

constexpr HashRange left{HashKey(0), HashKey((HashKey::Value{1} << 127) - 1)};
constexpr HashRange right{HashKey(HashKey::Value{1} << 127), max_hash_key};

Shard shard(std::uint32_t number, HashRange range, bool open, const Numbers& parents = {}) {
  Shard result = open ? test::open_shard(number, range) : test::closed_shard(number, range);
  if (!parents.empty()) result.parent = ShardId(parents[0]);
  if (parents.size() > 1) result.adjacent_parent = ShardId(parents[1]);
  return result;
}

/// 0 is split into 1 and 2, and they are merged into 3.
ShardMap diamond() {
  return {3,
          {shard(0, test::all_keys, false), shard(1, left, false, {0}), shard(2, right, false, {0}),
           shard(3, test::all_keys, true, {1, 2})}};
}

LocatedStart place(std::uint32_t number, std::uint64_t next, bool at_end = false) {
  return {ShardId(number), SequenceNumber(next), at_end};
}

Lease lease(std::uint32_t number, Checkpoint checkpoint = AtSequence{SequenceNumber(5)}, std::uint64_t epoch = 1) {
  return {ShardId(number), {}, {}, epoch, 0, 1, std::move(checkpoint)};
}

/// "shard:checkpoint" each.
std::vector<std::string> text(const std::vector<Lease>& leases) {
  std::vector<std::string> result;
  for (const Lease& each : leases) {
    result.push_back(std::to_string(each.shard.number()) + ":" + to_string(each.checkpoint));
  }
  return result;
}
using Text = std::vector<std::string>;

std::vector<Lease> finished(const ShardMap& map, std::vector<Lease> leases, std::uint32_t number) {
  const Lease done = *find_lease(leases, ShardId(number));
  make_changes(leases, finish_changes(map, leases, done, 1));
  return leases;
}

TEST(FirstLeases, AreOfTheOldestShardsThatAreNotAtTheirEnd) {
  const std::vector<LocatedStart> places{place(0, 1), place(1, 10), place(2, 10), place(3, 20)};
  EXPECT_EQ(text(first_leases(diamond(), TrimHorizon{}, places, 0, 1)), Text{"0:trim-horizon"});
}

TEST(FirstLeases, OfAPositionThatIsNotTheTrimHorizonAreAtASequenceNumber) {
  const std::vector<LocatedStart> places{place(0, 10, true), place(1, 20, true), place(2, 20, true), place(3, 31)};
  EXPECT_EQ(text(first_leases(diamond(), Latest{}, places, 0, 1)), Text{"3:at:31"});
}

TEST(FirstLeases, SayThatAShardIsDoneWhileAChildWaitsForItsOtherParent) {
  const std::vector<LocatedStart> places{place(0, 10, true), place(1, 20, true), place(2, 15), place(3, 20)};
  EXPECT_EQ(text(first_leases(diamond(), AtTime{}, places, 0, 1)), (Text{"1:shard-end", "2:at:15"}));
}

TEST(FirstLeases, LeaveOutAFinishedShardWhoseParentIsNotDone) {
  const std::vector<LocatedStart> places{place(0, 5), place(1, 20, true), place(2, 20, true), place(3, 20)};
  EXPECT_EQ(text(first_leases(diamond(), AtTime{}, places, 0, 1)), Text{"0:at:5"});
}

TEST(FirstLeases, LeaveOutAShardThatOpenedMeanwhile) {
  const std::vector<LocatedStart> places{place(0, 5)};
  EXPECT_EQ(text(first_leases(diamond(), Latest{}, places, 0, 1)), Text{"0:at:5"});
}

Checkpoint skipping_until(std::int64_t time, std::uint64_t sequence = 5) {
  return AtSequence{SequenceNumber(sequence), Timestamp(Duration(time))};
}

ShardEnd done_before(std::int64_t time) {
  return {Timestamp(Duration(time))};
}

TEST(FirstLeases, KeepATimeThatHasNotCome) {
  LocatedStart to_come = place(0, 7);
  to_come.not_before = Timestamp(Duration(90));
  EXPECT_EQ(text(first_leases(diamond(), AtTime{Timestamp(Duration(90))}, {to_come}, 0, 1)), Text{"0:at:7@90"});
}

TEST(Checkpoint, IsReadAsItIsWritten) {
  for (const Checkpoint& checkpoint : {skipping_until(1'700'000'000'000'000), skipping_until(-1, 0),
                                       Checkpoint(done_before(90)), Checkpoint(ShardEnd{}), Checkpoint(TrimHorizon{}),
                                       Checkpoint(Beginning{}), Checkpoint(Beginning{Timestamp(Duration(90))}),
                                       Checkpoint(Latest{}), Checkpoint(AtTime{Timestamp(Duration(-1))})}) {
    EXPECT_EQ(parse_checkpoint(to_string(checkpoint)), checkpoint) << to_string(checkpoint);
  }
  for (const char* const wrong :
       {"at:5@", "at:5@x", "at:5@1 ", "at:5@01", "at:5@+1", "at:5@9223372036854775808", "after:5@1", "trim-horizon@1",
        "latest@1", "time:", "time:x", "time:1@1", "beginning@", "@1", "shard-end@1@1"}) {
    EXPECT_FALSE(parse_checkpoint(wrong)) << wrong;
  }
}

TEST(Finish, OfAShardWhoseTimeHasNotComeMakesItsChildrenWaitForItToo) {
  EXPECT_EQ(text(finished(diamond(), {lease(0, skipping_until(90))}, 0)), (Text{"1:beginning@90", "2:beginning@90"}));
  EXPECT_EQ(text(finished(diamond(), {lease(1, skipping_until(90)), lease(2)}, 1)), (Text{"1:shard-end@90", "2:at:5"}));
}

TEST(Finish, OfBothParentsSkipsInTheChildOnlyWhatBothSkip) {
  EXPECT_EQ(text(finished(diamond(), {lease(1, skipping_until(90)), lease(2, done_before(80))}, 1)),
            Text{"3:beginning@80"});
  EXPECT_EQ(text(finished(diamond(), {lease(1, skipping_until(90)), lease(2, ShardEnd{})}, 1)), Text{"3:beginning"});
  EXPECT_EQ(text(finished(diamond(), {lease(1, done_before(90)), lease(2)}, 2)), Text{"3:beginning"});
}

TEST(Finish, OfASplitMakesBothChildren) {
  EXPECT_EQ(text(finished(diamond(), {lease(0)}, 0)), (Text{"1:beginning", "2:beginning"}));
}

TEST(Finish, OfOneParentOfAMergeLeavesItsLeaseAsDone) {
  EXPECT_EQ(text(finished(diamond(), {lease(1), lease(2)}, 2)), (Text{"1:at:5", "2:shard-end"}));
}

TEST(Finish, OfTheOtherParentMakesTheChildAndClearsBoth) {
  for (const std::uint32_t last : {1U, 2U}) {
    const std::vector<Lease> leases =
        last == 1 ? std::vector{lease(1), lease(2, ShardEnd{})} : std::vector{lease(1, ShardEnd{}), lease(2)};
    EXPECT_EQ(text(finished(diamond(), leases, last)), Text{"3:beginning"});
  }
}

TEST(Finish, GivesTheChildTheHighestEpochOfItsParents) {
  const auto leases = finished(diamond(), {lease(1, AtSequence{SequenceNumber(5)}, 7), lease(2, ShardEnd{}, 9)}, 1);
  EXPECT_EQ(leases.at(0).epoch, 9U);
}

TEST(Finish, OfAShardWhoseChildWasStartedMakesNothing) {
  EXPECT_EQ(text(finished(diamond(), {lease(0), lease(3)}, 0)), Text{"3:at:5"});
  EXPECT_EQ(text(finished(diamond(), {lease(1), lease(3)}, 1)), Text{"3:at:5"});
}

TEST(Finish, OfBothParentsAtOnceIsMadeGoodLater) {
  std::vector<Lease> leases{lease(1, ShardEnd{}), lease(2, ShardEnd{})};
  make_changes(leases, due_changes(diamond(), leases, 1));
  EXPECT_EQ(text(leases), Text{"3:beginning"});
  EXPECT_TRUE(due_changes(diamond(), leases, 1).empty());
}

TEST(Frontier, HoldsShardsBackUntilTheirAncestorsAreDone) {
  const ShardMap map = diamond();
  const std::vector<Lease> leases{lease(0), lease(3)};
  EXPECT_FALSE(Frontier(map, leases).waits(ShardId(0)));
  EXPECT_TRUE(Frontier(map, leases).waits(ShardId(3)));
  const std::vector<Lease> one_done{lease(1, ShardEnd{}), lease(2)};
  EXPECT_FALSE(Frontier(map, one_done).waits(ShardId(2)));
  EXPECT_TRUE(Frontier(map, one_done).waits(ShardId(3)));
}

TEST(SeekOfOneShard, ThatIsDoneReadsItAgainButNotItsChildren) {
  const auto leases = with_shard_at(diamond(), {lease(3)}, TrimHorizon{}, place(1, 10), 4, 2);
  EXPECT_EQ(text(leases), (Text{"1:trim-horizon", "3:at:5"}));
  EXPECT_EQ(leases[0].epoch, 4U);
  EXPECT_EQ(leases[0].generation, 2U);
  EXPECT_EQ(leases[1].epoch, 1U);
  EXPECT_EQ(leases[1].generation, 1U);
  EXPECT_EQ(text(finished(diamond(), leases, 1)), Text{"3:at:5"});
}

TEST(SeekOfOneShard, ThatWaitsStillReadsItsAncestorsFirst) {
  const auto leases = with_shard_at(diamond(), {lease(0)}, Latest{}, place(3, 31), 2, 2);
  EXPECT_EQ(text(leases), (Text{"0:at:5", "1:beginning", "2:beginning", "3:at:31"}));
  EXPECT_EQ(text(finished(diamond(), leases, 0)), (Text{"1:beginning", "2:beginning", "3:at:31"}));
}

TEST(SeekOfOneShard, ToItsEndCountsAsDone) {
  EXPECT_EQ(text(with_shard_at(diamond(), {lease(0)}, Latest{}, place(0, 10, true), 2, 2)),
            (Text{"1:beginning", "2:beginning"}));
  EXPECT_EQ(text(with_shard_at(diamond(), {lease(1), lease(2)}, Latest{}, place(1, 10, true), 2, 2)),
            (Text{"1:shard-end", "2:at:5"}));
  EXPECT_EQ(text(with_shard_at(diamond(), {lease(3)}, Latest{}, place(1, 10, true), 2, 2)), Text{"3:at:5"});
}

}  // namespace
}  // namespace shardlog::consuming

#include "shardlog/core/passed.h"

#include <gtest/gtest.h>

#include <string>

namespace shardlog {
namespace {

ShardId id(std::uint32_t number) {
  return ShardId(number);
}

SequenceNumber number(std::uint64_t value) {
  return SequenceNumber(value);
}

Lease lease(std::uint32_t shard, Checkpoint checkpoint) {
  Lease result{id(shard)};
  result.checkpoint = std::move(checkpoint);
  return result;
}

Consumer consumer(std::vector<Lease> leases) {
  Consumer result;
  result.leases = std::move(leases);
  return result;
}

/// Shard 0 was split into 1 and 2; these were merged into 3.
ShardMap lineage() {
  const HashRange all{HashKey(0), max_hash_key};
  const HashKey middle(max_hash_key.value() / 2);
  const HashRange low{HashKey(0), middle};
  const HashRange high{HashKey(middle.value() + 1), max_hash_key};
  return {1,
          {{id(0), all, {}, Timestamp()},
           {id(1), low, {}, Timestamp(), id(0)},
           {id(2), high, {}, Timestamp(), id(0)},
           {id(3), all, {}, std::nullopt, id(1), id(2)}}};
}

/// For each shard the last of the numbers 1 to 9 that is passed, or 0.
std::string reached(const std::vector<Consumer>& consumers) {
  const ShardMap map = lineage();
  const Passed passed(map, consumers);
  std::string text;
  for (const Shard& shard : map.shards()) {
    std::uint64_t last = 0;
    while (last < 9 && passed.up_to(shard.id, number(last + 1))) ++last;
    text += std::to_string(last);
  }
  return text;
}

TEST(Passed, NothingIsPassedWithoutAConsumer) {
  EXPECT_EQ(reached({}), "0000");
  EXPECT_EQ(reached({consumer({})}), "0000");
}

TEST(Passed, ACheckpointPassesWhatIsBeforeIt) {
  EXPECT_EQ(reached({consumer({lease(0, AtSequence{number(4)})})}), "3000");
  EXPECT_EQ(reached({consumer({lease(0, AfterSequence{number(4)})})}), "4000");
  EXPECT_EQ(reached({consumer({lease(0, AtSequence{number(1)})})}), "0000");
  EXPECT_EQ(reached({consumer({lease(0, AtSequence{number(10)})})}), "9000") << "by number, not by text";
}

TEST(Passed, ACheckpointThatIsNotANumberPassesNothing) {
  for (const Checkpoint& checkpoint : std::vector<Checkpoint>{TrimHorizon{}, Beginning{}, Latest{}, AtTime{}}) {
    EXPECT_EQ(reached({consumer({lease(0, checkpoint)})}), "0000") << to_string(checkpoint);
  }
}

TEST(Passed, TheSlowestConsumerCounts) {
  const Consumer fast = consumer({lease(0, AfterSequence{number(7)})});
  const Consumer slow = consumer({lease(0, AtSequence{number(7)})});
  EXPECT_EQ(reached({fast, slow}), "6000");
  EXPECT_EQ(reached({slow, fast}), "6000");
  EXPECT_EQ(reached({slow, fast, consumer({lease(0, TrimHorizon{})})}), "0000");
}

TEST(Passed, AShardThatIsDoneIsPassed) {
  EXPECT_EQ(reached({consumer({lease(1, ShardEnd{}), lease(2, AfterSequence{number(2)})})}), "9920");
  EXPECT_EQ(reached({consumer({lease(3, AfterSequence{number(5)})})}), "9995")
      << "so are its ancestors without a lease";
}

TEST(Passed, AChildThatWaitsForAParentIsNotPassed) {
  EXPECT_EQ(reached({consumer({lease(1, ShardEnd{}), lease(2, Beginning{})})}), "9900");
}

TEST(Passed, AShardThatIsNotKnownIsNotPassed) {
  const ShardMap map = lineage();
  const Passed passed(map, {consumer({lease(3, ShardEnd{}), lease(7, ShardEnd{})})});
  EXPECT_FALSE(passed.up_to(id(7), number(1)));
}

}  // namespace
}  // namespace shardlog

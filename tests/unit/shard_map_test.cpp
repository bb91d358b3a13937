#include "shardlog/core/shard_map.h"

#include <gtest/gtest.h>

#include <string>

#include "support/refusal.h"
#include "support/shards.h"

namespace shardlog {
namespace {

using test::closed_shard;
using test::open_shard;
using test::open_shards;
using test::refusal;

HashKey key(const std::string& decimal) {
  return HashKey::parse(decimal).value();
}

/// [0, middle-1] and [middle, 2^128-1]: the two halves of the key space, or not quite.
std::vector<Shard> two_shards(HashKey last_of_first, HashKey first_of_second) {
  return {open_shard(0, {HashKey(), last_of_first}), open_shard(1, {first_of_second, max_hash_key})};
}

std::optional<ErrorCode> refuse(const std::vector<Shard>& shards) {
  return refusal([&] { const ShardMap map(1, shards); });
}

TEST(EvenRanges, OneShardOwnsEverything) {
  EXPECT_EQ(even_ranges(1), (std::vector<HashRange>{{HashKey(), max_hash_key}}));
}

// Two halves, thirds rounded down: the figures that Amazon Kinesis shows for such streams.
TEST(EvenRanges, OfTwoShards) {
  EXPECT_EQ(even_ranges(2),
            (std::vector<HashRange>{
                {key("0"), key("170141183460469231731687303715884105727")},
                {key("170141183460469231731687303715884105728"), key("340282366920938463463374607431768211455")},
            }));
}

TEST(EvenRanges, OfThreeShards) {
  EXPECT_EQ(even_ranges(3),
            (std::vector<HashRange>{
                {key("0"), key("113427455640312821154458202477256070484")},
                {key("113427455640312821154458202477256070485"), key("226854911280625642308916404954512140969")},
                {key("226854911280625642308916404954512140970"), key("340282366920938463463374607431768211455")},
            }));
}

// python3: 2**128 // 10000
TEST(EvenRanges, OfTheMostShards) {
  const auto ranges = even_ranges(max_shards);
  ASSERT_EQ(ranges.size(), 10'000U);
  EXPECT_EQ(ranges[1].first, key("34028236692093846346337460743176821"));
  EXPECT_EQ(ranges.back().last, max_hash_key);
}

HashKey::Value size_of(const HashRange& range) {
  return range.last.value() - range.first.value() + 1;
}

// Equal sizes q with less than n left over for the last one: n * q + r = 2^128 and r < n, so q is 2^128 / n rounded
// down.
TEST(EvenRanges, OfAnyNumberOfShardsTileTheKeySpaceAndAreEven) {
  for (std::uint32_t count = 2; count <= max_shards; count += count < 1000 ? 1 : 997) {
    const auto ranges = even_ranges(count);
    ASSERT_EQ(ranges.size(), count);
    ASSERT_EQ(ranges.front().first, HashKey());
    ASSERT_EQ(ranges.back().last, max_hash_key);
    for (std::size_t i = 1; i < count; ++i) {
      ASSERT_EQ(ranges[i].first.value(), ranges[i - 1].last.value() + 1) << count << " shards, the " << i << "th";
      ASSERT_EQ(size_of(ranges[i - 1]), size_of(ranges.front())) << count << " shards, the " << i << "th";
    }
    ASSERT_LT(size_of(ranges.back()) - size_of(ranges.front()), count);
  }
}

TEST(ShardMap, KeepsItsVersion) {
  EXPECT_EQ(ShardMap(42, open_shards(even_ranges(1))).version(), 42U);
}

TEST(ShardMap, ShardsComeInTheOrderOfTheirIds) {
  const auto ranges = even_ranges(3);
  const ShardMap map(1, {open_shard(7, ranges[0]), open_shard(2, ranges[2]), open_shard(5, ranges[1])});
  ASSERT_EQ(map.shards().size(), 3U);
  EXPECT_EQ(map.shards()[0], open_shard(2, ranges[2]));
  EXPECT_EQ(map.shards()[1], open_shard(5, ranges[1]));
  EXPECT_EQ(map.shards()[2], open_shard(7, ranges[0]));
}

TEST(ShardMap, OpenShardsComeInTheOrderOfTheirRanges) {
  const auto ranges = even_ranges(3);
  const ShardMap map(1, {open_shard(7, ranges[0]), open_shard(2, ranges[2]), open_shard(5, ranges[1])});
  EXPECT_EQ(map.open_shards(), (std::vector<ShardId>{ShardId(7), ShardId(5), ShardId(2)}));
}

TEST(ShardMap, ClosedShardsTakeNoPartInTheTiling) {
  const auto halves = even_ranges(2);
  const ShardMap map(1,
                     {closed_shard(0, {HashKey(), max_hash_key}), open_shard(1, halves[0]), open_shard(2, halves[1])});
  EXPECT_EQ(map.shards().size(), 3U);
  EXPECT_EQ(map.open_shards(), (std::vector<ShardId>{ShardId(1), ShardId(2)}));
  EXPECT_EQ(map.open_index_of(HashKey()), 0U);
  EXPECT_EQ(map.open_index_of(max_hash_key), 1U);
}

TEST(ShardMap, FindsOpenAndClosedShards) {
  const Shard parent = closed_shard(3, {HashKey(), max_hash_key});
  const Shard child = open_shard(9, {HashKey(), max_hash_key});
  const ShardMap map(1, {child, parent});
  ASSERT_NE(map.find(ShardId(3)), nullptr);
  EXPECT_EQ(*map.find(ShardId(3)), parent);
  ASSERT_NE(map.find(ShardId(9)), nullptr);
  EXPECT_EQ(*map.find(ShardId(9)), child);
}

TEST(ShardMap, FindsNothingBeforeBetweenAndAfterItsShards) {
  const ShardMap map(1, {closed_shard(3, {HashKey(), max_hash_key}), open_shard(9, {HashKey(), max_hash_key})});
  for (const std::uint32_t number : {0U, 2U, 4U, 8U, 10U, 4'294'967'295U})
    EXPECT_EQ(map.find(ShardId(number)), nullptr);
}

TEST(ShardMap, RoutesBothEndsOfARangeToItsShard) {
  const ShardMap map(1, open_shards(even_ranges(3)));
  EXPECT_EQ(map.open_index_of(key("0")), 0U);
  EXPECT_EQ(map.open_index_of(key("113427455640312821154458202477256070484")), 0U);
  EXPECT_EQ(map.open_index_of(key("113427455640312821154458202477256070485")), 1U);
  EXPECT_EQ(map.open_index_of(key("226854911280625642308916404954512140969")), 1U);
  EXPECT_EQ(map.open_index_of(key("226854911280625642308916404954512140970")), 2U);
  EXPECT_EQ(map.open_index_of(max_hash_key), 2U);
}

TEST(ShardMap, RoutesToAShardOfOneKey) {
  const ShardMap map(1, open_shards({{HashKey(0), HashKey(0)}, {HashKey(1), HashKey(1)}, {HashKey(2), max_hash_key}}));
  EXPECT_EQ(map.open_index_of(HashKey(0)), 0U);
  EXPECT_EQ(map.open_index_of(HashKey(1)), 1U);
  EXPECT_EQ(map.open_index_of(HashKey(2)), 2U);
}

TEST(ShardMap, AcceptsRangesThatTouch) {
  EXPECT_EQ(refuse(two_shards(HashKey(99), HashKey(100))), std::nullopt);
}

TEST(ShardMap, RefusesAHoleOfOneKey) {
  EXPECT_EQ(refuse(two_shards(HashKey(99), HashKey(101))), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesAnOverlapOfOneKey) {
  EXPECT_EQ(refuse(two_shards(HashKey(100), HashKey(100))), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesAHoleAtTheStart) {
  EXPECT_EQ(refuse({open_shard(0, {HashKey(1), max_hash_key})}), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesAHoleAtTheEnd) {
  EXPECT_EQ(refuse({open_shard(0, {HashKey(), HashKey(max_hash_key.value() - 1)})}), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesARangeBackwards) {
  EXPECT_EQ(refuse({open_shard(0, {HashKey(), HashKey(9)}), open_shard(1, {HashKey(10), HashKey(9)}),
                    open_shard(2, {HashKey(10), max_hash_key})}),
            ErrorCode::corrupt);
}

TEST(ShardMap, RefusesTwoShardsWithEverything) {
  EXPECT_EQ(refuse({open_shard(0, {HashKey(), max_hash_key}), open_shard(1, {HashKey(), max_hash_key})}),
            ErrorCode::corrupt);
}

TEST(ShardMap, RefusesNoShards) {
  EXPECT_EQ(refuse({}), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesClosedShardsAlone) {
  EXPECT_EQ(refuse({closed_shard(0, {HashKey(), max_hash_key})}), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesTheIdOfAnOpenShardTwice) {
  const auto halves = even_ranges(2);
  EXPECT_EQ(refuse({open_shard(4, halves[0]), open_shard(4, halves[1])}), ErrorCode::corrupt);
}

TEST(ShardMap, RefusesTheIdOfAClosedShardTwice) {
  EXPECT_EQ(refuse({closed_shard(4, {HashKey(), max_hash_key}), open_shard(4, {HashKey(), max_hash_key})}),
            ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog

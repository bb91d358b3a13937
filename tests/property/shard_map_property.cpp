#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "property/generators.h"
#include "shardlog/core/error.h"
#include "shardlog/core/shard_map.h"
#include "support/refusal.h"
#include "support/shards.h"

namespace shardlog {
namespace {

/// Ranges that tile the key space, cut anywhere.
std::vector<HashRange> any_tiling() {
  auto starts = *rc::gen::container<std::set<HashKey>>(test::hash_keys());
  starts.insert(HashKey());
  std::vector<HashRange> ranges;
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    const auto next = std::next(start);
    ranges.push_back({*start, next == starts.end() ? max_hash_key : HashKey(next->value() - 1)});
  }
  return ranges;
}

HashRange any_range() {
  const auto [first, last] = std::minmax({*test::hash_keys(), *test::hash_keys()});
  return {first, last};
}

/// The open shards of any_tiling(), some closed ones, and neither ids nor order that say anything about the ranges.
std::vector<Shard> any_shards() {
  std::vector<Shard> shards = test::open_shards(any_tiling());
  const auto closed = *rc::gen::inRange(0, 5);
  for (int i = 0; i < closed; ++i) shards.push_back(test::closed_shard(0, any_range()));
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  std::shuffle(shards.begin(), shards.end(), random);
  std::uint32_t number = 0;
  for (Shard& shard : shards) shard.id = ShardId(number += *rc::gen::inRange<std::uint32_t>(1, 4));
  std::shuffle(shards.begin(), shards.end(), random);
  return shards;
}

Shard& any_open(std::vector<Shard>& shards) {
  std::vector<Shard*> open;
  for (Shard& shard : shards) {
    if (shard.open()) open.push_back(&shard);
  }
  return *open[*rc::gen::inRange<std::size_t>(0, open.size())];
}

bool refused(const std::vector<Shard>& shards) {
  return test::refusal([&] { const ShardMap map(1, shards); }) == ErrorCode::corrupt;
}

void route_and_compare(const ShardMap& map, HashKey key) {
  std::vector<ShardId> owners;
  for (const Shard& shard : map.shards()) {
    if (shard.open() && shard.range.contains(key)) owners.push_back(shard.id);
  }
  RC_ASSERT(owners == std::vector<ShardId>{map.open_shards().at(map.open_index_of(key))});
}

RC_GTEST_PROP(ShardMapProperty, AnyKeyGoesToTheOneOpenShardThatOwnsIt, ()) {
  const ShardMap map(1, any_shards());
  for (int i = 0; i < 20; ++i) route_and_compare(map, *test::hash_keys());
}

RC_GTEST_PROP(ShardMapProperty, BothEndsOfARangeGoToItsShard, ()) {
  const ShardMap map(1, any_shards());
  for (const Shard& shard : map.shards()) {
    route_and_compare(map, shard.range.first);
    route_and_compare(map, shard.range.last);
  }
}

RC_GTEST_PROP(ShardMapProperty, FindsTheShardsThatItHoldsAndNoOther, ()) {
  const auto shards = any_shards();
  const ShardMap map(1, shards);
  for (std::uint32_t number = 0; number < 4 * shards.size() + 2; ++number) {
    const auto expected =
        std::find_if(shards.begin(), shards.end(), [&](const Shard& s) { return s.id == ShardId(number); });
    const Shard* const found = map.find(ShardId(number));
    RC_ASSERT((found == nullptr) == (expected == shards.end()));
    if (found != nullptr) RC_ASSERT(*found == *expected);
  }
}

RC_GTEST_PROP(ShardMapProperty, RefusesAMissingShard, ()) {
  auto shards = any_shards();
  const ShardId missing = any_open(shards).id;
  std::erase_if(shards, [&](const Shard& shard) { return shard.id == missing; });
  RC_ASSERT(refused(shards));
}

RC_GTEST_PROP(ShardMapProperty, RefusesAShardThatWasClosedWithoutChildren, ()) {
  auto shards = any_shards();
  any_open(shards).closed_at = Timestamp();
  RC_ASSERT(refused(shards));
}

RC_GTEST_PROP(ShardMapProperty, RefusesAnEndThatMoved, ()) {
  auto shards = any_shards();
  HashRange& range = any_open(shards).range;
  HashKey& end = *rc::gen::arbitrary<bool>() ? range.first : range.last;
  const HashKey before = end;
  const auto distance = *rc::gen::oneOf(rc::gen::element(HashKey(1), max_hash_key), test::hash_keys());
  end = HashKey(end.value() + distance.value());
  RC_PRE(end != before);
  RC_ASSERT(refused(shards));
}

RC_GTEST_PROP(ShardMapProperty, RefusesAnOpenShardMore, ()) {
  auto shards = any_shards();
  const HashRange range = *rc::gen::arbitrary<bool>() ? any_open(shards).range : any_range();
  shards.push_back(test::open_shard(1'000'000, range));
  RC_ASSERT(refused(shards));
}

RC_GTEST_PROP(ShardMapProperty, RefusesAnIdTwice, ()) {
  auto shards = any_shards();
  const ShardId taken = shards[*rc::gen::inRange<std::size_t>(0, shards.size())].id;
  shards.push_back(test::closed_shard(taken.number(), any_range()));
  RC_ASSERT(refused(shards));
}

/// All but the last are floor(2^128 / count) wide: the last one makes up for less than a key each.
void expect_even(std::uint32_t count) {
  const auto ranges = even_ranges(count);
  ASSERT_EQ(ranges.size(), count);
  ASSERT_EQ(ranges.front().first, HashKey());
  ASSERT_EQ(ranges.back().last, max_hash_key);
  const auto width_less_1 = [](const HashRange& range) { return range.last.value() - range.first.value(); };
  for (std::size_t i = 0; i + 1 < count; ++i) {
    ASSERT_EQ(HashKey(ranges[i].last.value() + 1), ranges[i + 1].first) << count;
    ASSERT_EQ(HashKey(width_less_1(ranges[i])), HashKey(width_less_1(ranges.front()))) << count;
  }
  ASSERT_GE(HashKey(width_less_1(ranges.back())), HashKey(width_less_1(ranges.front()))) << count;
  ASSERT_LT(HashKey(width_less_1(ranges.back()) - width_less_1(ranges.front())), HashKey(count)) << count;
  ASSERT_EQ(ShardMap(1, test::open_shards(ranges)).open_shards().size(), count);
}

TEST(EvenRangesProperty, TileTheKeySpaceForEveryCountUpTo1000) {
  for (std::uint32_t count = 1; count <= 1000; ++count) expect_even(count);
}

TEST(EvenRangesProperty, TileTheKeySpaceForTheMostShards) {
  expect_even(9'999);
  expect_even(10'000);
}

}  // namespace
}  // namespace shardlog

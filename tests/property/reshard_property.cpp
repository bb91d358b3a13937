#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "shardlog/reshard/plan.h"
#include "support/shards.h"

namespace shardlog::reshard {
namespace {

using test::even_map;

std::vector<HashRange> open_ranges(const ShardMap& map) {
  std::vector<HashRange> ranges;
  for (const ShardId id : map.open_shards()) ranges.push_back(map.find(id)->range);
  return ranges;
}

std::set<HashKey> boundaries(const std::vector<HashRange>& ranges) {
  std::set<HashKey> result;
  for (std::size_t i = 1; i < ranges.size(); ++i) result.insert(ranges[i].first);
  return result;
}

std::size_t missing_from(const std::set<HashKey>& some, const std::set<HashKey>& others) {
  return static_cast<std::size_t>(
      std::count_if(some.begin(), some.end(), [&](HashKey key) { return !others.contains(key); }));
}

/// The map after each step tiles the key space, or apply() throws; the end has the ranges of a new stream, by as many
/// splits as boundaries were missing and as many merges as there were too many.
void expect_right(const ShardMap& source, std::uint32_t count) {
  const Plan plan = scale(source, count, {});
  ShardMap map = source;
  std::size_t splits = 0;
  for (const PlannedStep& planned : plan) {
    map = apply(map, planned.step, Timestamp());
    if (planned.step.closes.size() == 1) ++splits;
  }
  const std::vector<HashRange> target = even_ranges(count);
  EXPECT_EQ(open_ranges(map), target);
  const auto from = boundaries(open_ranges(source));
  const auto to = boundaries(target);
  EXPECT_EQ(splits, missing_from(to, from));
  EXPECT_EQ(plan.size() - splits, missing_from(from, to));
}

// Nothing is random here, so it is run once.
TEST(ScaleProperty, FromEachToEachUpTo64) {
  for (std::uint32_t from = 1; from <= 64; ++from) {
    for (std::uint32_t to = 1; to <= 64; ++to) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      expect_right(even_map(from), to);
    }
  }
}

TEST(ScaleProperty, FromAnyMapThatSplitsAndMergesCanMake) {
  EXPECT_TRUE(rc::check("from any map that splits and merges can make", [] {
    ShardMap map = even_map(*rc::gen::inRange<std::uint32_t>(1, 9));
    const int steps = *rc::gen::inRange(0, 20);
    for (int i = 0; i < steps; ++i) {
      const auto& open = map.open_shards();
      const auto place = *rc::gen::inRange<std::size_t>(0, open.size());
      const HashRange range = map.find(open[place])->range;
      const bool merging = *rc::gen::arbitrary<bool>() && place + 1 < open.size();
      if (merging) {
        map = apply(map, merge(map, open[place], open[place + 1], {})[0].step, Timestamp());
      } else if (range.first != range.last) {
        const HashKey::Value width = range.last.value() - range.first.value();
        const HashKey at(range.first.value() + 1 + *rc::gen::arbitrary<std::uint64_t>() % width);
        map = apply(map, split(map, open[place], at, {})[0].step, Timestamp());
      }
    }
    expect_right(map, *rc::gen::inRange<std::uint32_t>(1, 65));
    RC_ASSERT(!testing::Test::HasFailure());
  }));
}

}  // namespace
}  // namespace shardlog::reshard

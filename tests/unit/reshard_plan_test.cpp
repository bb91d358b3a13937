#include <gtest/gtest.h>

#include "shardlog/core/error.h"
#include "shardlog/reshard/plan.h"
#include "support/refusal.h"
#include "support/shards.h"

namespace shardlog::reshard {
namespace {

using test::even_map;
using test::refusal;

constexpr HashKey half(HashKey::Value{1} << 127);

ShardMap after(ShardMap map, const Plan& plan) {
  for (const PlannedStep& planned : plan) map = apply(map, planned.step, Timestamp());
  return map;
}

std::vector<std::uint32_t> numbers(const std::vector<ShardId>& ids) {
  std::vector<std::uint32_t> result;
  for (const ShardId id : ids) result.push_back(id.number());
  return result;
}

using Numbers = std::vector<std::uint32_t>;

// The ids that AWS reported for UpdateShardCount from 4 to 3 (risingwavelabs/risingwave, issue 9961).
TEST(ScalePlan, FourToThreeGivesTheIdsOfKinesis) {
  const Plan plan = scale(even_map(4), 3, {});
  ASSERT_EQ(plan.size(), 5U);
  const std::vector<std::pair<Numbers, Numbers>> expected{
      {{1}, {4, 5}}, {{0, 4}, {6}}, {{2}, {7, 8}}, {{5, 7}, {9}}, {{8, 3}, {10}}};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(numbers(plan[i].step.closes), expected[i].first);
    Numbers opens;
    for (const auto& child : plan[i].step.opens) opens.push_back(child.id.number());
    EXPECT_EQ(opens, expected[i].second);
  }
  EXPECT_EQ(numbers(after(even_map(4), plan).open_shards()), (Numbers{6, 9, 10}));
}

TEST(ScalePlan, ToTheSameNumberIsEmpty) {
  EXPECT_TRUE(scale(even_map(7), 7, {}).empty());
}

TEST(ScalePlan, ToZeroOrTooManyIsRefused) {
  EXPECT_EQ(refusal([] { scale(even_map(2), 0, {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([] { scale(even_map(2), 10'001, {}); }), ErrorCode::usage);
}

TEST(SplitPlan, WithoutAPointIsInTheMiddle) {
  const Plan plan = split(even_map(1), ShardId(0), std::nullopt, {});
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan[0].step.opens[0].range, (HashRange{HashKey(0), HashKey(half.value() - 1)}));
  EXPECT_EQ(plan[0].step.opens[1].range, (HashRange{half, max_hash_key}));
  EXPECT_EQ(plan[0].step.opens[1].parent, ShardId(0));
  EXPECT_EQ(plan[0].step.opens[1].adjacent_parent, std::nullopt);
}

TEST(SplitPlan, AtTheStartOfTheRangeIsRefused) {
  EXPECT_EQ(refusal([] { split(even_map(2), ShardId(1), half, {}); }), ErrorCode::usage);
}

TEST(SplitPlan, JustAfterTheStartMakesAShardOfOneKey) {
  const Plan plan = split(even_map(2), ShardId(1), HashKey(half.value() + 1), {});
  EXPECT_EQ(plan[0].step.opens[0].range, (HashRange{half, half}));
}

TEST(SplitPlan, AtTheEndOfTheRangeMakesAShardOfOneKey) {
  const Plan plan = split(even_map(2), ShardId(1), max_hash_key, {});
  EXPECT_EQ(plan[0].step.opens[1].range, (HashRange{max_hash_key, max_hash_key}));
}

TEST(SplitPlan, OutsideTheRangeIsRefused) {
  EXPECT_EQ(refusal([] { split(even_map(2), ShardId(0), half, {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([] { split(even_map(2), ShardId(1), HashKey(5), {}); }), ErrorCode::usage);
}

TEST(SplitPlan, OfARangeOfOneKeyIsRefused) {
  const ShardMap map = after(even_map(1), split(even_map(1), ShardId(0), HashKey(1), {}));
  EXPECT_EQ(refusal([&] { split(map, ShardId(1), std::nullopt, {}); }), ErrorCode::usage);
}

TEST(SplitPlan, OfAClosedOrUnknownShardIsRefused) {
  const ShardMap map = after(even_map(1), split(even_map(1), ShardId(0), std::nullopt, {}));
  EXPECT_EQ(refusal([&] { split(map, ShardId(0), std::nullopt, {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { split(map, ShardId(3), std::nullopt, {}); }), ErrorCode::not_found);
}

TEST(MergePlan, TakesNeighboursInEitherOrder) {
  for (const auto& [one, other] : {std::pair(1U, 2U), std::pair(2U, 1U)}) {
    const Plan plan = merge(even_map(4), ShardId(one), ShardId(other), {});
    ASSERT_EQ(plan.size(), 1U);
    const ReshardStep::Child& child = plan[0].step.opens[0];
    EXPECT_EQ(child.range, (HashRange{even_ranges(4)[1].first, even_ranges(4)[2].last}));
    EXPECT_EQ(child.parent, ShardId(1));
    EXPECT_EQ(child.adjacent_parent, ShardId(2));
  }
}

TEST(MergePlan, OfShardsThatAreNotAdjacentIsRefused) {
  EXPECT_EQ(refusal([] { merge(even_map(4), ShardId(0), ShardId(2), {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([] { merge(even_map(4), ShardId(0), ShardId(3), {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([] { merge(even_map(4), ShardId(1), ShardId(1), {}); }), ErrorCode::usage);
}

TEST(Plans, SayWhatThePartsHold) {
  const Loads loads{{ShardId(0), {100, 1000}}, {ShardId(1), {50, 600}}};
  EXPECT_EQ(split(even_map(2), ShardId(0), std::nullopt, loads)[0].moved.records, 100);
  EXPECT_EQ(merge(even_map(2), ShardId(0), ShardId(1), loads)[0].moved.bytes, 1600);
  const Plan plan = scale(even_map(2), 1, loads);
  EXPECT_EQ(plan[0].moved.records, 150);
}

TEST(ReshardStep, ThatDoesNotFitTheMapIsRefused) {
  const ShardMap map = even_map(2);
  const ReshardStep good = split(map, ShardId(0), std::nullopt, {})[0].step;
  ReshardStep hole = good;
  hole.opens[0].range.last = HashKey(5);
  EXPECT_EQ(refusal([&] { apply(map, hole, Timestamp()); }), ErrorCode::usage);
  ReshardStep other_id = good;
  other_id.opens[0].id = ShardId(9);
  EXPECT_EQ(refusal([&] { apply(map, other_id, Timestamp()); }), ErrorCode::usage);
  const ShardMap changed = apply(map, good, Timestamp());
  EXPECT_EQ(refusal([&] { apply(changed, good, Timestamp()); }), ErrorCode::usage);
}

}  // namespace
}  // namespace shardlog::reshard

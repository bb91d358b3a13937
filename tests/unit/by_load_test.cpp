#include "shardlog/reshard/by_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "support/shards.h"

namespace shardlog::reshard {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp start{hours(24 * 365 * 50)};

/// A stream with even shards that are years old, at 1000 records and 1 MiB a second and shard.
class ByLoadTest : public testing::Test {
 protected:
  /// One shard for each figure: the part of its capacity that it has carried for a day.
  void use(const std::vector<double>& carried) {
    std::vector<Shard> shards = test::open_shards(even_ranges(static_cast<std::uint32_t>(carried.size())));
    situation_.map = ShardMap(1, shards);
    situation_.measured.clear();
    for (std::size_t i = 0; i < carried.size(); ++i) set_records(i, 1000 * carried[i]);
  }

  void set_records(std::size_t shard, double records) { set_load(shard, {records, 100 * records}); }

  void set_load(std::size_t shard, const Load& load) {
    Measured& measured = of(shard);
    measured.minutes.assign(measured_minutes, load);
    measured.peaks = {{start - hours(12), load}};
  }

  Measured& of(std::size_t shard) { return situation_.measured[ShardId(static_cast<std::uint32_t>(shard))]; }

  HashRange range(std::uint32_t shard) const { return situation_.map.at(ShardId(shard)).range; }

  /// The key with a number is that far into its shard.
  HashKey key(std::uint32_t shard, std::uint32_t number) const {
    return HashKey(range(shard).first.value() + (HashKey::Value{number} << 64));
  }

  /// `counts` says how often the keys 1, 2, ... of each shard that is sampled come; the rest has none.
  void sample(const std::vector<std::size_t>& counts, std::size_t keyless = 0, std::uint64_t bytes = 100) {
    situation_.sample = [=, this](ShardId shard) {
      std::vector<KeySample> samples(keyless, KeySample{});
      for (std::uint32_t i = 0; i < counts.size(); ++i) {
        samples.insert(samples.end(), counts[i], {key(shard.number(), i + 1), "key " + std::to_string(i + 1), bytes});
      }
      return samples;
    };
  }

  Decision decide() { return scale_by_load(situation_, options_, state_); }

  /// What the decision makes of the shards.
  void follow(const Decision& decision) {
    for (const PlannedStep& planned : decision.plan) {
      situation_.map = apply(situation_.map, planned.step, situation_.now);
    }
    state_ = decision.state;
  }

  Situation situation_{
      ShardMap(1, test::open_shards(even_ranges(1))), start, {}, [](ShardId) { return std::vector<KeySample>{}; }};
  ScalingOptions options_{.capacity = {1000, 1 << 20}};
  ScalingState state_;
};

TEST_F(ByLoadTest, UtilisationIsThatOfTheScarcerResource) {
  EXPECT_DOUBLE_EQ(utilisation({500, 100}, {1000, 1000}), 0.5);
  EXPECT_DOUBLE_EQ(utilisation({500, 700}, {1000, 1000}), 0.7);
  EXPECT_DOUBLE_EQ(utilisation({500, 700}, {0, 1000}), 0.7) << "without a limit of records";
}

TEST_F(ByLoadTest, AtTheTargetNothingIsSplit) {
  use({0.7, 0.7});
  const Decision decision = decide();
  EXPECT_TRUE(decision.plan.empty());
  EXPECT_EQ(decision.state, ScalingState{});
  EXPECT_EQ(decision.reason, "shardId-000000000000 carries 70 % of its capacity, and no shard carries more");
}

TEST_F(ByLoadTest, AboveItAShardIsSplitWhereItsKeysHalveItsLoad) {
  use({0.71, 0.6});
  sample({100, 300, 150, 250, 200});
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  const ReshardStep& step = decision.plan[0].step;
  EXPECT_EQ(step.closes, (std::vector{ShardId(0)}));
  EXPECT_EQ(step.opens[1].range, (HashRange{key(0, 4), range(0).last})) << "55 % are before it";
  EXPECT_DOUBLE_EQ(decision.plan[0].moved.records, 710);
  EXPECT_EQ(decision.state.decided_at, start);
  EXPECT_EQ(decision.reason,
            "shardId-000000000000 carried 71 % of its capacity or more in each of the last 15 minutes, over the target "
            "of 70 %");
}

TEST_F(ByLoadTest, OneQuietMinuteKeepsAShard) {
  use({0.9, 0.9});
  of(0).minutes[3].records = 100;
  of(1).minutes[14].records = 100;
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, OnlyTheLatestMinutesCount) {
  use({0.9});
  of(0).minutes.insert(of(0).minutes.begin(), Load{});
  EXPECT_EQ(decide().plan.size(), 1U);
}

TEST_F(ByLoadTest, BytesAreALoadToo) {
  use({0.1, 0.1});
  set_load(1, {100, 0.8 * (1 << 20)});
  sample({1000, 1000});
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.plan[0].step.closes, (std::vector{ShardId(1)}));
}

TEST_F(ByLoadTest, AShardThatStandsOutIsSplitWhereItIsHalfFull) {
  use({0.2, 0.2, 0.51, 0.2});
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.reason, "shardId-000000000002 carries 1.8 times the mean of the shards, and 51 % of its capacity");
  use({0.2, 0.2, 0.5, 0.2});
  EXPECT_TRUE(decide().plan.empty()) << "it is not more than half full";
  use({0.4, 0.4, 0.6, 0.4});
  EXPECT_TRUE(decide().plan.empty()) << "it has 1.3 times the mean";
}

TEST_F(ByLoadTest, WithoutSamplesItIsSplitInTheMiddle) {
  use({0.8});
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.plan[0].step.opens[1].range.first, HashKey(HashKey::Value{1} << 127));
}

TEST_F(ByLoadTest, AHotKeyIsNamedInsteadOfSplit) {
  use({0.2, 0.8});
  sample({30, 1920, 50});
  const Decision decision = decide();
  EXPECT_TRUE(decision.plan.empty());
  EXPECT_EQ(decision.state, ScalingState{});
  ASSERT_EQ(decision.hot_keys.size(), 1U);
  EXPECT_EQ(decision.hot_keys[0].shard, ShardId(1));
  EXPECT_EQ(decision.hot_keys[0].key, "key 2");
  EXPECT_DOUBLE_EQ(decision.hot_keys[0].share, 0.96);
  EXPECT_NE(decision.reason.find("96 % of shardId-000000000001 is the key 'key 2', which cannot be split"),
            std::string::npos);
}

TEST_F(ByLoadTest, AKeyThatIsHotByItsBytesIsNamed) {
  use({0.1});
  set_load(0, {100, 0.9 * (1 << 20)});
  situation_.sample = [this](ShardId) {
    std::vector<KeySample> samples(1000, {key(0, 1), "small", 10});
    samples.insert(samples.end(), 500, {key(0, 2), "large", 10'000});
    return samples;
  };
  const Decision decision = decide();
  ASSERT_EQ(decision.hot_keys.size(), 1U);
  EXPECT_EQ(decision.hot_keys[0].key, "large");
}

TEST_F(ByLoadTest, AHotKeyDoesNotKeepTheOthersFromBeingSplit) {
  use({0.9, 0.8});
  situation_.sample = [this](ShardId shard) {
    std::vector<KeySample> samples(1000, {key(shard.number(), 1), "hot"});
    if (shard == ShardId(1)) samples.insert(samples.end(), 1000, {key(1, 2), "other"});
    return samples;
  };
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.plan[0].step.closes, (std::vector{ShardId(1)}));
  EXPECT_EQ(decision.hot_keys.size(), 1U);
}

TEST_F(ByLoadTest, AtMostDoublesTheShards) {
  use({1, 1, 0.1});
  sample(std::vector<std::size_t>(2000, 1));
  options_.target = 0.1;
  const Decision decision = decide();
  EXPECT_EQ(decision.plan.size(), 3U);
  follow(decision);
  EXPECT_EQ(situation_.map.open_shards().size(), 6U);
}

TEST_F(ByLoadTest, NeverMoreThanTheMost) {
  use({1, 1, 1});
  options_.most = 4;
  EXPECT_EQ(decide().plan.size(), 1U);
  options_.most = 3;
  const Decision decision = decide();
  EXPECT_TRUE(decision.plan.empty());
  EXPECT_NE(decision.reason.find("but there are 3 shards"), std::string::npos);
}

TEST_F(ByLoadTest, NeverFewerThanTheLeast) {
  use({0, 0});
  options_.least = 3;
  EXPECT_EQ(decide().plan.size(), 1U);
  options_.least = 2;
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, OfRecordsWithoutKeysEachSplitTakesSomeFromAll) {
  use({0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75});
  sample({}, 2000);
  EXPECT_EQ(decide().plan.size(), 1U) << "nine shards carry 67 % each";
}

TEST_F(ByLoadTest, ThereIsOneDecisionIn15Minutes) {
  use({0.9});
  state_.decided_at = start - minutes(15) + Duration(1);
  EXPECT_EQ(decide().reason, "the latest decision is 14 minutes old, and there is at most one in 15 minutes");
  state_.decided_at = start - minutes(15);
  EXPECT_EQ(decide().plan.size(), 1U);
  state_.decided_at = start + hours(1);
  EXPECT_EQ(decide().plan.size(), 1U) << "the clock went back since";
}

TEST_F(ByLoadTest, NothingIsDecidedBeforeAllShardsAreMeasured) {
  use({0.9, 0.9});
  of(1).minutes.resize(14);
  EXPECT_EQ(decide().reason, "shardId-000000000001 has been measured for 14 of 15 minutes");
  situation_.measured.erase(ShardId(1));
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, NeighboursThatFillHalfOfTheTargetAreMerged) {
  use({0.5, 0.175, 0.175, 0.5});
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.plan[0].step.closes, (std::vector{ShardId(1), ShardId(2)}));
  EXPECT_DOUBLE_EQ(decision.plan[0].moved.records, 350);
  EXPECT_EQ(decision.reason, "neighbours' peaks of the last 24 hours add up to 35 % of a shard's capacity or less");
  use({0.5, 0.176, 0.175, 0.5});
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, AtMostHalvesTheShardsAndTheLightestComeFirst) {
  use({0, 0, 0, 0});
  EXPECT_EQ(decide().plan.size(), 2U);
  use({0.1, 0.1, 0, 0, 0.3});
  options_.least = 4;
  const Decision decision = decide();
  ASSERT_EQ(decision.plan.size(), 1U);
  EXPECT_EQ(decision.plan[0].step.closes, (std::vector{ShardId(2), ShardId(3)}));
}

TEST_F(ByLoadTest, APeakWithinTheWindowKeepsShardsApart) {
  use({0.1, 0.1});
  of(0).peaks.push_back({start - hours(24) - minutes(59), {500, 0}});
  EXPECT_TRUE(decide().plan.empty());
  of(0).peaks.back().hour = start - hours(25);
  EXPECT_EQ(decide().plan.size(), 1U);
  state_.window = hours(48);
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, NothingIsMergedWithinAnHourOfADecision) {
  use({0, 0});
  state_.decided_at = start - minutes(59);
  EXPECT_TRUE(decide().plan.empty());
  state_.decided_at = start - minutes(60);
  EXPECT_EQ(decide().plan.size(), 1U);
}

TEST_F(ByLoadTest, ChildrenOfASplitStayForAWindow) {
  use({0.9});
  follow(decide());
  for (const std::size_t child : {1U, 2U}) set_records(child, 0);
  situation_.now = start + hours(24) - Duration(1);
  EXPECT_TRUE(decide().plan.empty());
  situation_.now = start + hours(24);
  for (const std::size_t child : {1U, 2U}) of(child).peaks.clear();
  EXPECT_EQ(decide().plan.size(), 1U);
}

TEST_F(ByLoadTest, SoDoShardsOfAYoungStreamWhosePeakNobodyKnows) {
  std::vector<Shard> shards = test::open_shards(even_ranges(2));
  for (Shard& shard : shards) shard.opened_at = start - hours(23);
  situation_.map = ShardMap(1, shards);
  for (const std::size_t shard : {0U, 1U}) set_records(shard, 0);
  EXPECT_TRUE(decide().plan.empty());
}

TEST_F(ByLoadTest, ThePeakOfMergedShardsIsRememberedByTheirChild) {
  use({0.15, 0.15, 0.15});
  follow(decide());
  EXPECT_EQ(situation_.map.open_shards(), (std::vector{ShardId(3), ShardId(2)}));
  situation_.now = start + hours(2);
  set_records(3, 0);
  set_records(2, 0);
  of(3).peaks = {{start + hours(1), {0, 0}}};
  of(2).peaks = {{start + hours(1), {100, 0}}};
  EXPECT_TRUE(decide().plan.empty()) << "0.3 of its parents and 0.1";
  situation_.now = start + hours(14);
  EXPECT_EQ(decide().plan.size(), 1U) << "the peak of its parents is a day old";
}

TEST_F(ByLoadTest, SplittingWhatWasMergedLatelyDoublesTheWindow) {
  use({0.1, 0.1});
  follow(decide());
  EXPECT_EQ(state_.window, hours(24));
  set_records(2, 900);
  situation_.now = start + hours(48) - Duration(1);
  EXPECT_EQ(decide().state.window, hours(48));
  situation_.now = start + hours(48);
  EXPECT_EQ(decide().state.window, hours(24));
  state_.window = longest_window;
  EXPECT_EQ(decide().state.window, longest_window);
}

}  // namespace
}  // namespace shardlog::reshard

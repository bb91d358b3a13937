#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "unit/simulated_load.h"

// Weeks of a stream that is scaled by its load. The load is measured with 3 % of noise, decisions are asked for every 5
// minutes, and a shard takes no more than its 1000 records a second, so that what it is asked for is not known.
namespace shardlog::reshard {
namespace {

using test::Keys;
using test::ScaledStream;

constexpr std::size_t day = 24 * 60;  // minutes
constexpr std::size_t keys = 10'000;

double steady(double /*minute*/) {
  return 10'000;
}

double daily(double minute) {
  return 3500 * (1 + 0.9 * std::sin(2 * std::numbers::pi * minute / day));
}

/// At most this many decisions, where each at most doubles the shards, and one more levels them.
std::size_t decisions_for(double load, double target, std::size_t shards) {
  return 1 + static_cast<std::size_t>(std::ceil(std::log2(load / (target * 1000 * static_cast<double>(shards)))));
}

TEST(ScalingSimulation, ASkewedLoadSettles) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ScaledStream stream(Keys::zipf(keys, 0.9, seed), 4, seed);
    for (std::size_t i = 0; i < day / 5 && stream.decisions() < decisions_for(10'000, 0.7, 4); ++i) {
      stream.run(5, steady);
    }
    EXPECT_LT(stream.busiest_by_mean(), 1.5);
    const std::size_t steps = stream.steps();
    for (std::size_t i = 0; i < 7; ++i) {
      stream.run(day, steady);
      EXPECT_LT(stream.busiest_by_mean(), 1.5);
    }
    EXPECT_LE(stream.steps(), steps + 4);
    EXPECT_EQ(stream.undone(), 0U);
    EXPECT_LE(stream.throttled_minutes(), 60U);
    EXPECT_LE(stream.shards(), 1.6 * 10'000 / 700);
  }
}

TEST(ScalingSimulation, ADailyRhythmIsNotFollowedUpAndDown) {
  ScaledStream stream(Keys::zipf(keys, 0.5, 1), 1, 1);
  stream.run(2 * day, daily);
  const std::size_t steps = stream.steps();
  const std::size_t throttled = stream.throttled_minutes();
  stream.run(26 * day, daily);
  EXPECT_LE(stream.steps(), steps + 2);
  EXPECT_EQ(stream.undone(), 0U);
  EXPECT_EQ(stream.throttled_minutes(), throttled);
  EXPECT_LE(stream.mean_shards(), 16) << "for a peak of 6650 records a second";
}

TEST(ScalingSimulation, WhatALoadLeavesBehindIsMerged) {
  ScaledStream stream(Keys::zipf(keys, 0.5, 1), 1, 1);
  stream.run(7 * day, steady);
  EXPECT_GE(stream.shards(), 15U);
  const auto vanished = [](double /*minute*/) { return 10.0; };
  stream.run(day - 60, vanished);
  EXPECT_GE(stream.shards(), 15U) << "it may come back";
  stream.run(day, vanished);
  EXPECT_EQ(stream.shards(), 1U);
  EXPECT_EQ(stream.undone(), 0U);
}

TEST(ScalingSimulation, ARhythmThatIsLongerThanTheWindowMakesItLonger) {
  ScaledStream stream(Keys::zipf(keys, 0.5, 1), 1, 1);
  const auto every_other_day = [](double minute) { return std::fmod(minute, 2 * day) < day ? 6000.0 : 600.0; };
  stream.run(10 * day, every_other_day);
  EXPECT_GT(stream.state().window, first_window);
  const std::size_t steps = stream.steps();
  stream.run(18 * day, every_other_day);
  EXPECT_EQ(stream.steps(), steps);
}

TEST(ScalingSimulation, AHotKeyIsNamedAndTheOthersAreSpread) {
  std::vector<double> weights(keys, 1.0);
  weights[0] = 2000;
  ScaledStream stream(Keys(weights, 1), 4, 1);
  stream.run(7 * day, [](double /*minute*/) { return 7500.0; });
  ASSERT_EQ(stream.latest().hot_keys.size(), 1U);
  EXPECT_EQ(stream.latest().hot_keys[0].key, "key 0");
  EXPECT_GT(stream.latest().hot_keys[0].share, 0.8);
  EXPECT_LE(stream.shards(), 18U) << "9 for the other keys, at 70 %; each split halves";
  EXPECT_LE(stream.decisions(), 4U);
}

TEST(ScalingSimulation, RecordsWithoutKeysGetAsManyShardsAsTheyNeed) {
  ScaledStream stream(Keys::zipf(keys, 0.5, 1), 2, 1);
  stream.keyless = 1;
  stream.run(7 * day, [](double /*minute*/) { return 3400.0; });
  EXPECT_EQ(stream.shards(), 5U) << "of 680 records a second";
}

TEST(ScalingSimulation, ShortBurstsChangeNothing) {
  ScaledStream stream(Keys::zipf(keys, 0.5, 1), 4, 1);
  stream.run(14 * day, [](double minute) { return std::fmod(minute, 240) < 14 ? 10'000.0 : 1000.0; });
  EXPECT_EQ(stream.steps(), 0U);
}

}  // namespace
}  // namespace shardlog::reshard

#include "shardlog/capacity/bucket.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace shardlog::capacity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Moment at(Duration since_boot) {
  return {"this boot", since_boot};
}

Bucket refilled(Bucket bucket, const Moment& now) {
  refill(bucket, now);
  return bucket;
}

TEST(Limits, ThoseOfKinesisAreThousandRecordsAndAMebibyteIn) {
  EXPECT_EQ(price_of_writing(kinesis_limits()).of(1000, 0), (Seconds{1, 0}));
  EXPECT_EQ(price_of_writing(kinesis_limits()).of(0, 1 << 20), (Seconds{0, 1}));
  EXPECT_EQ(price_of_reading(kinesis_limits()).of(5, 0), (Seconds{1, 0}));
  EXPECT_EQ(price_of_reading(kinesis_limits()).of(0, 2 << 20), (Seconds{0, 1}));
}

TEST(Limits, WhatHasNoneCostsNothing) {
  EXPECT_EQ(price_of_writing({}).of(1'000'000, 1'000'000), (Seconds{0, 0}));
  EXPECT_EQ(price_of_writing({.write_bytes = 100}).of(1'000'000, 50), (Seconds{0, 0.5}));
}

TEST(Bucket, AShardWithoutAStateHasAFullOne) {
  EXPECT_EQ(refilled({}, at(hours(5))), (Bucket{{1, 1}, at(hours(5))}));
}

TEST(Bucket, EarnsASecondInASecondUpToTheBurst) {
  const Bucket bucket{{-2, 0.25}, at(seconds(100))};
  EXPECT_EQ(refilled(bucket, at(seconds(100))).level, (Seconds{-2, 0.25}));
  EXPECT_EQ(refilled(bucket, at(milliseconds(100'500))).level, (Seconds{-1.5, 0.75}));
  EXPECT_EQ(refilled(bucket, at(seconds(102))).level, (Seconds{0, 1}));
  EXPECT_EQ(refilled(bucket, at(hours(24 * 365 * 100))).level, (Seconds{1, 1}));
}

TEST(Bucket, TimeThatGoesBackEarnsNothingAndIsCountedFromThere) {
  const Bucket back = refilled({{-1, -1}, at(hours(2))}, at(hours(1)));
  EXPECT_EQ(back, (Bucket{{-1, -1}, at(hours(1))}));
  EXPECT_EQ(refilled(back, at(hours(1) + seconds(1))).level, (Seconds{0, 0}));
}

TEST(Bucket, AnotherBootEarnsOneSecondWhateverItsTime) {
  for (const Duration since_boot : {Duration(0), Duration(seconds(100)), Duration(hours(1000))}) {
    const Moment now{"another boot", since_boot};
    EXPECT_EQ(refilled({{-1.5, -0.5}, at(seconds(100))}, now), (Bucket{{-0.5, 0.5}, now}));
  }
}

TEST(Bucket, ADebtIsEarnedWhenTheLaterOfBothIs) {
  EXPECT_EQ(until_earned({0.5, 0}), Duration(0));
  EXPECT_EQ(until_earned({-0.25, 1}), milliseconds(250));
  EXPECT_EQ(until_earned({-0.25, -3}), seconds(3));
  EXPECT_EQ(until_earned({-1e-9, 0}), Duration(1)) << "rounded up";
}

TEST(Bucket, EachChildOfASplitTakesOverAllTheDebt) {
  const Bucket parent{{-0.5, 0.25}, at(seconds(1))};
  EXPECT_EQ(take_over(std::array{parent}), parent);
}

TEST(Bucket, TheChildOfAMergeTakesOverBothDebts) {
  const Bucket one{{-0.5, 0.75}, at(seconds(1))};
  const Bucket other{{-0.25, 0.75}, at(seconds(1))};
  EXPECT_EQ(take_over(std::array{one, other}), (Bucket{{-0.75, 1}, at(seconds(1))}));
}

}  // namespace
}  // namespace shardlog::capacity

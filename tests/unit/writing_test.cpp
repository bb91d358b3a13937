#include "shardlog/capacity/writing.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "unit/simulated_writers.h"

namespace shardlog::capacity {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::mebibyte;

/// Two shards with the limits of Kinesis.
class WritingTest : public testing::Test {
 protected:
  Slice reserve(const std::vector<Need>& input, const Seconds& paid = {}) {
    return capacity::reserve(buckets_, price_, input, paid, now_);
  }

  Slice reserve_records(std::size_t count, std::size_t shard = 0) {
    return reserve(std::vector<Need>(count, {shard, 0}));
  }

  void pass(Duration time) { now_.since_boot += time; }

  void set_levels(const Seconds& level) { buckets_.assign(2, {level, now_}); }

  Price price_ = price_of_writing(kinesis_limits());
  Moment now_{"boot", seconds(100)};
  std::vector<Bucket> buckets_{2};
};

TEST_F(WritingTest, AnIdleShardGivesASecondsWorthAtOnce) {
  const Slice slice = reserve_records(5000);
  EXPECT_EQ(slice.steps, 1000U);
  EXPECT_EQ(slice.wait, Duration(0));
  EXPECT_TRUE(slice.count_exhausted);
  EXPECT_FALSE(slice.bytes_exhausted);
}

TEST_F(WritingTest, AllOfItFits) {
  const Slice slice = reserve_records(999);
  EXPECT_EQ(slice.steps, 999U);
  EXPECT_EQ(slice.wait, Duration(0));
  EXPECT_FALSE(slice.count_exhausted || slice.bytes_exhausted);
}

TEST_F(WritingTest, NothingIsReservedOfNothing) {
  const Slice slice = reserve({});
  EXPECT_EQ(slice.steps, 0U);
  EXPECT_EQ(slice.wait, Duration(0));
  EXPECT_EQ(buckets_, (std::vector<Bucket>(2)));
}

TEST_F(WritingTest, AtLevelZeroASliceIsATenthOfASecondAndIsWaitedFor) {
  set_levels({0, 0});
  const Slice slice = reserve_records(5000);
  EXPECT_EQ(slice.steps, 100U);
  EXPECT_EQ(slice.wait, milliseconds(100));
  EXPECT_DOUBLE_EQ(buckets_[0].level.count, -0.1);
}

TEST_F(WritingTest, ALevelJustAboveZeroDoesNotMakeTinySlices) {
  set_levels({0.001, 0.001});
  EXPECT_EQ(reserve_records(5000).steps, 100U);
}

TEST_F(WritingTest, TheLongerTheQueueTheShorterTheSlice) {
  set_levels({-0.5, 0});
  const Slice slice = reserve_records(5000);
  EXPECT_EQ(slice.steps, 50U);
  EXPECT_EQ(slice.wait, milliseconds(550));
  set_levels({-0.95, 0});
  EXPECT_EQ(reserve_records(5000).steps, 10U) << "but never less than 10 ms' worth";
  set_levels({-7, 0});
  EXPECT_EQ(reserve_records(5000).steps, 10U);
}

TEST_F(WritingTest, AQueueIsServedInItsOrder) {
  set_levels({0, 0});
  const Slice first = reserve_records(5000);
  const Slice second = reserve_records(5000);
  EXPECT_LT(first.wait, second.wait);
  pass(second.wait);
  EXPECT_EQ(reserve_records(1).wait, milliseconds(1));
}

TEST_F(WritingTest, BytesAreALimitOfTheirOwn) {
  set_levels({0, 0});
  const Slice slice = reserve(std::vector<Need>(100, {0, mebibyte / 32}));
  EXPECT_EQ(slice.steps, 3U) << "of 31.25 ms each";
  EXPECT_NEAR(slice.instalment.bytes, 0.00625, 1e-9) << "the rest of 100 ms is paid for the next";
  EXPECT_EQ(slice.wait, milliseconds(100));
  EXPECT_TRUE(slice.bytes_exhausted);
  EXPECT_FALSE(slice.count_exhausted);
}

TEST_F(WritingTest, ASliceEndsAtTheFirstRecordThatDoesNotFitItsShard) {
  set_levels({0, 0});
  std::vector<Need> input(90, {1, 0});
  input.insert(input.end(), 101, {0, 0});
  input.insert(input.end(), 5, {1, 0});
  const Slice slice = reserve(input);
  EXPECT_EQ(slice.steps, 190U);
  EXPECT_DOUBLE_EQ(buckets_[0].level.count, -0.1);
  EXPECT_DOUBLE_EQ(buckets_[1].level.count, -0.09);
}

TEST_F(WritingTest, TheWaitIsThatOfTheShardWithTheLongestQueueOfThoseTakenFrom) {
  set_levels({0, 0});
  buckets_[1].level.count = -0.6;
  EXPECT_EQ(reserve({{0, 0}}).wait, milliseconds(1));
  EXPECT_EQ(reserve({{0, 0}, {1, 0}}).wait, milliseconds(601));
}

TEST_F(WritingTest, ShardsThatAreNotNeededStayAsTheyAre) {
  set_levels({0, 0});
  pass(seconds(1));
  reserve_records(1, 0);
  EXPECT_EQ(buckets_[1].level, (Seconds{0, 0}));
  EXPECT_EQ(buckets_[1].at.since_boot, seconds(100));
}

TEST_F(WritingTest, ALargeRecordIsPaidInInstalmentsAndStoredWithTheLast) {
  set_levels({0, 0});
  Seconds paid;
  std::size_t instalments = 0;
  Duration waited{0};
  while (true) {
    const Slice slice = reserve({{0, mebibyte}, {0, 100}}, paid);
    waited += slice.wait;
    pass(slice.wait);
    if (slice.steps > 0) break;
    ++instalments;
    paid = slice.instalment;
    EXPECT_NEAR(paid.bytes, 0.1 * static_cast<double>(instalments), 1e-5);
    EXPECT_NEAR(paid.count, 0.001, 1e-5) << "it is one record, however often it is paid for";
  }
  EXPECT_EQ(instalments, 9U);
  EXPECT_NEAR(static_cast<double>(waited.count()), 1e6, 20);
}

TEST_F(WritingTest, TheLastInstalmentLeavesRoomForWhatFollows) {
  set_levels({0, 0});
  const Slice slice = reserve(std::vector<Need>(3, {0, mebibyte / 25}), {0.001, 0.039});
  EXPECT_EQ(slice.steps, 3U) << "0.001 and twice 0.04 of a second";
  EXPECT_NEAR(buckets_[0].level.bytes, -0.081, 1e-6);
}

TEST_F(WritingTest, ARecordThatIsPaidElsewhereCostsNothingMore) {
  set_levels({0, 0});
  const Slice slice = reserve({{1, 1000}}, {0.5, 0.5});
  EXPECT_EQ(slice.steps, 1U);
  EXPECT_EQ(slice.wait, Duration(0));
  EXPECT_EQ(buckets_[1].level, (Seconds{0, 0}));
}

TEST_F(WritingTest, ALimitBelowARecordInATenthOfASecondIsPaidInInstalmentsToo) {
  price_ = price_of_writing({.write_records = 1});
  set_levels({0, 1});
  const Slice slice = reserve_records(1);
  EXPECT_EQ(slice.steps, 0U);
  EXPECT_DOUBLE_EQ(slice.instalment.count, 0.1);
  EXPECT_EQ(slice.wait, milliseconds(100));
}

TEST_F(WritingTest, ADebtStaysWhenALimitIsChanged) {
  set_levels({-0.5, 0});
  price_ = price_of_writing({.write_records = 10});
  EXPECT_EQ(reserve_records(1).wait, milliseconds(550)) << "a part of 0.05 s, an instalment";
}

TEST_F(WritingTest, WithoutLimitsEverythingFits) {
  price_ = price_of_writing({});
  EXPECT_EQ(reserve(std::vector<Need>(100'000, {0, mebibyte})).steps, 100'000U);
  EXPECT_EQ(buckets_, (std::vector<Bucket>{{{1, 1}, now_}, {}}));
}

}  // namespace
}  // namespace shardlog::capacity

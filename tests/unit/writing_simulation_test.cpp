#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "unit/simulated_writers.h"

// What comes out of the rules of writing.h together, at the limits of Kinesis. The bounds are what the rules were
// chosen to keep; what a shard's limits come to is 1000 records and 1 MiB a second.
namespace shardlog::capacity {
namespace {

using test::in_turn;
using test::infinite;
using test::mebibyte;
using test::Producer;
using test::shards;
using test::SimulatedWriters;
using Way = Producer::Way;

constexpr double nominal = shards * 1000;  // records a second
constexpr double warm = 10;                // seconds until the burst is spent

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double slowest_by_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.front() / values[values.size() / 2];
}

std::vector<double> bytes_stored(const SimulatedWriters& writers) {
  std::vector<double> result;
  for (const Producer& producer : writers.producers()) result.push_back(producer.stored_bytes);
  return result;
}

/// Bytes that each stored in each second, once the burst is spent.
std::vector<double> bytes_a_second(std::vector<Producer> producers, double seconds) {
  SimulatedWriters writers(std::move(producers), 1);
  writers.run_until(warm);
  const std::vector<double> before = bytes_stored(writers);
  writers.run_until(warm + seconds);
  std::vector<double> rates = bytes_stored(writers);
  for (std::size_t i = 0; i < rates.size(); ++i) rates[i] = (rates[i] - before[i]) / seconds;
  return rates;
}

Producer producer_of(std::uint64_t bytes) {
  return {.input = [bytes](std::size_t record) { return in_turn(record, bytes); }};
}

/// All its records go to one shard.
Producer producer_for_one_shard(std::uint64_t bytes) {
  return {.input = [bytes](std::size_t) { return Need{0, bytes}; }};
}

struct Crowd {
  std::size_t producers;
  double most_commits;  ///< a second
};

TEST(WritingSimulation, AnyNumberOfProducersGetAllThereIsInEqualShares) {
  for (const Crowd& each : {Crowd{1, 11}, Crowd{3, 13}, Crowd{10, 25}, Crowd{50, 70}}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      SCOPED_TRACE(testing::Message() << each.producers << " producers, seed " << seed);
      SimulatedWriters writers(std::vector<Producer>(each.producers), seed);
      writers.run_until(warm);
      const std::size_t commits = writers.commits();
      writers.run_until(warm + 60);
      const std::vector<double> stored = writers.stored(warm, warm + 60);
      EXPECT_NEAR(sum(stored) / 60, nominal, 0.02 * nominal);
      EXPECT_GE(slowest_by_median(stored), 0.8);
      EXPECT_LE(static_cast<double>(writers.commits() - commits) / 60, each.most_commits);
      EXPECT_LE(sum(writers.stored(0, 10)), 1.11 * 10 * nominal);
    }
  }
}

// Also of records that are large beside the slices of 50 producers.
TEST(WritingSimulation, BytesLikewise) {
  for (const std::size_t producers : {1U, 10U, 50U}) {
    for (const std::uint64_t bytes : {5000U, 10'000U, 12'000U, 15'000U}) {
      SCOPED_TRACE(testing::Message() << producers << " producers, records of " << bytes << " bytes");
      const std::vector<double> rates = bytes_a_second(std::vector<Producer>(producers, producer_of(bytes)), 20);
      EXPECT_NEAR(sum(rates), shards * mebibyte, 0.02 * shards * mebibyte);
      EXPECT_GE(slowest_by_median(rates), 0.8);
    }
  }
}

TEST(WritingSimulation, TheHeaviestShardIsTheCeilingOfRandomKeys) {
  constexpr std::size_t keys = 10'000;
  std::mt19937_64 random(1);
  std::vector<std::size_t> shard_of(keys);
  std::vector<double> share(shards);
  for (std::size_t& shard : shard_of) {
    shard = random() % shards;
    share[shard] += 1.0 / keys;
  }
  const double ceiling = 1000 / *std::max_element(share.begin(), share.end());
  const auto random_key = [&](std::size_t) { return Need{shard_of[random() % keys], 100}; };
  for (const std::size_t producers : {1U, 10U}) {
    SimulatedWriters writers(std::vector<Producer>(producers, Producer{.input = random_key}), 1);
    writers.run_until(warm + 60);
    EXPECT_NEAR(sum(writers.stored(warm, warm + 60)) / 60, ceiling, 0.02 * ceiling) << producers << " producers";
  }
}

TEST(WritingSimulation, LargeRecordsGetTheirShareBesideSmallOnes) {
  std::vector<Producer> producers(3, producer_for_one_shard(5000));
  producers.push_back(producer_for_one_shard(mebibyte));
  for (const double rate : bytes_a_second(producers, 120)) EXPECT_NEAR(rate, mebibyte / 4.0, 0.02 * mebibyte);
}

TEST(WritingSimulation, LargeAndTinyRecordsBothGetThrough) {
  const std::vector<double> rates = bytes_a_second({producer_of(100), producer_of(mebibyte)}, 60);
  EXPECT_NEAR(rates[0], 100 * nominal, 0.02 * 100 * nominal);
  EXPECT_GE(rates[1], 0.8 * shards * mebibyte);
}

TEST(WritingSimulation, ALoneWriterOfLargeRecordsGetsAllThereIs) {
  EXPECT_NEAR(bytes_a_second({producer_of(mebibyte)}, 60)[0], shards * mebibyte, 0.02 * shards * mebibyte);
}

TEST(WritingSimulation, OneRecordBesideManyBlockersWaitsLessThanASecond) {
  std::vector<Producer> producers(50);
  producers.push_back({.offered = 1});
  SimulatedWriters writers(std::move(producers), 1);
  writers.run_until(warm);
  writers.forget_waits();
  writers.run_until(warm + 60);
  EXPECT_GE(writers.stored(warm, warm + 60).back(), 30);
  EXPECT_LT(writers.producers().back().longest_wait, 0.95);
}

TEST(WritingSimulation, AClockThatJumpsBlocksNobodyForASecond) {
  for (const std::size_t producers : {1U, 10U, 50U}) {
    for (const double step : {3600.0, -3600.0}) {
      SCOPED_TRACE(testing::Message() << producers << " producers, by " << step << " s");
      SimulatedWriters writers(std::vector<Producer>(producers), 1);
      writers.run_until(30);
      writers.step_clock(step);
      writers.forget_waits();
      writers.run_until(60);
      for (const Producer& producer : writers.producers()) EXPECT_LT(producer.longest_wait, 1);
      const double gained = sum(writers.stored(30, 60)) / nominal - 30;  // seconds' worth
      const double queue = 0.1 * static_cast<double>(producers) / (1 + 0.1 * static_cast<double>(producers));
      // At most the burst, and the debt that a jump forgives: those who reserved it store it all the same.
      EXPECT_LT(gained, step > 0 ? burst + queue + 0.05 : 0.05);
      EXPECT_GT(gained, -0.2);
    }
  }
}

TEST(WritingSimulation, AfterSplitsTheCapacityIsUsedAtOnceAndNotExceeded) {
  for (const std::size_t producers : {1U, 10U, 50U}) {
    SCOPED_TRACE(testing::Message() << producers << " producers");
    SimulatedWriters writers(std::vector<Producer>(producers), 1);
    writers.run_until(30);
    writers.split_all();
    writers.run_until(60);
    EXPECT_LE(sum(writers.stored(30, 31)), 1.05 * 2 * nominal);
    EXPECT_GE(sum(writers.stored(30, 31)), 0.95 * nominal) << "what was reserved before is stored";
    EXPECT_NEAR(sum(writers.stored(31, 60)) / 29, 2 * nominal, 0.04 * nominal);
  }
}

TEST(WritingSimulation, AfterMergesTheRestOfTheQueueIsPaidFor) {
  for (const std::size_t producers : {1U, 10U, 50U}) {
    SCOPED_TRACE(testing::Message() << producers << " producers");
    SimulatedWriters writers(std::vector<Producer>(producers), 1);
    writers.run_until(30);
    writers.merge_all();
    writers.run_until(60);
    EXPECT_LE(sum(writers.stored(30, 40)), 1.02 * 10 * nominal / 2) << "two queues have become one";
    EXPECT_NEAR(sum(writers.stored(32, 60)) / 28, nominal / 2, 0.02 * nominal / 2);
  }
}

/// Blockers, and one producer of each other way at the end, which are all given the same.
std::vector<Producer> mixed(std::size_t blockers, double offered) {
  std::vector<Producer> producers(blockers);
  for (const Way way : {Way::fail, Way::drop, Way::sample}) producers.push_back({.way = way, .offered = offered});
  return producers;
}

TEST(WritingSimulation, NoWayIsShutOutByBlockers) {
  for (const std::size_t blockers : {1U, 10U, 50U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      SCOPED_TRACE(testing::Message() << blockers << " blockers, seed " << seed);
      const double share = nominal / static_cast<double>(blockers + 3);
      SimulatedWriters writers(mixed(blockers, 5 * share), seed);
      writers.run_until(warm + 60);
      const std::vector<double> stored = writers.stored(warm, warm + 60);
      EXPECT_NEAR(sum(stored) / 60, nominal, 0.02 * nominal);
      EXPECT_GE(stored[blockers] / 60, 0.15 * share) << "fails, and is started again after a second";
      EXPECT_GE(stored[blockers + 1] / 60, 0.9 * share) << "drops";
      EXPECT_GE(stored[blockers + 2] / 60, 0.9 * share) << "samples";
    }
  }
}

TEST(WritingSimulation, WhoeverIsGivenLessThanItsShareLosesNothing) {
  for (const std::size_t blockers : {1U, 10U, 50U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      SCOPED_TRACE(testing::Message() << blockers << " blockers, seed " << seed);
      const double offered = 0.6 * nominal / static_cast<double>(blockers + 3);
      std::vector<Producer> producers = mixed(blockers, offered);
      for (Producer& producer : producers) producer.read_until = producer.offered < infinite ? 5 : 0;
      SimulatedWriters writers(producers, seed);
      writers.run_until(warm + 60);
      const auto& [fails, drops] = std::tie(writers.producers()[blockers], writers.producers()[blockers + 1]);
      EXPECT_EQ(fails.failures, 0U);
      EXPECT_EQ(drops.dropped, 0U);
      const std::vector<double> stored = writers.stored(warm, warm + 60);
      EXPECT_NEAR(stored[blockers] / 60, offered, 0.05 * offered);
      EXPECT_NEAR(stored[blockers + 1] / 60, offered, 0.05 * offered);
      EXPECT_NEAR(stored[blockers + 2] / 60, offered / 2, 0.15 * offered) << "is thinned as long as others queue";
    }
  }
}

}  // namespace
}  // namespace shardlog::capacity

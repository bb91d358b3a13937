#include "shardlog/capacity/reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <vector>

namespace shardlog::capacity {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t mebibyte = 1UL << 20;
const Price kinesis = price_of_reading(kinesis_limits());

Moment at(double time) {
  return {"boot", Duration(static_cast<std::int64_t>(time * 1e6))};
}

TEST(TopUp, TakesAllThatThereIs) {
  Bucket shard{{0.25, 0.5}, at(1)};
  Seconds held;
  top_up(held, shard, at(1.25));
  EXPECT_EQ(held, (Seconds{0.5, 0.75}));
  EXPECT_EQ(shard, (Bucket{{0, 0}, at(1.25)}));
}

TEST(TopUp, LeavesWhatWouldBeMoreThanASecond) {
  Bucket shard;
  Seconds held{0.75, -3};
  top_up(held, shard, at(1));
  EXPECT_EQ(held, (Seconds{1, -2}));
  EXPECT_EQ(shard.level, (Seconds{0.75, 0}));
}

TEST(TopUp, TakesNothingOfADebt) {
  Bucket shard{{-0.5, -0.5}, at(1)};
  Seconds held{0.1, 0.1};
  top_up(held, shard, at(1.25));
  EXPECT_EQ(held, (Seconds{0.1, 0.1}));
  EXPECT_EQ(shard.level, (Seconds{-0.25, -0.25}));
}

TEST(Reading, ACallNeedsAllOfACallAndSomethingOfTheBytes) {
  EXPECT_TRUE(readable({0.2, 0.001}, kinesis));
  EXPECT_FALSE(readable({0.19, 1}, kinesis));
  EXPECT_FALSE(readable({1, 0}, kinesis));
  EXPECT_TRUE(readable({0, 0}, price_of_reading({})));
  EXPECT_TRUE(readable({-9, 1}, price_of_reading({.read_bytes = 5}))) << "calls are not limited any more";
  EXPECT_EQ(until_readable({-9, 1}, price_of_reading({.read_bytes = 5})), Duration(0));
  EXPECT_TRUE(readable({1, -9}, price_of_reading({.read_calls = 5})));
}

TEST(Reading, SaysHowManyBytesCanBeRead) {
  EXPECT_EQ(readable_bytes({1, 0.5}, kinesis), mebibyte);
  EXPECT_EQ(readable_bytes({1, 1e-8}, kinesis), 1U) << "any byte is enough for a record";
  EXPECT_EQ(readable_bytes({0.1, 1}, kinesis), 0U);
  EXPECT_EQ(readable_bytes({1, -9}, price_of_reading({.read_calls = 5})), UINT64_MAX);
}

TEST(GiveBack, ReturnsWhatIsHeldOrOwed) {
  Bucket shard{{0.25, 0.25}, at(1)};
  give_back({0.5, -2}, shard, at(1.25));
  EXPECT_EQ(shard, (Bucket{{1, -1.5}, at(1.25)}));
  give_back({0.5, 0}, shard, at(1.25));
  EXPECT_EQ(shard.level, (Seconds{1, -1.5})) << "no more than a second's worth";
}

TEST(Reading, WhatACallTookTooMuchIsWaitedFor) {
  Seconds held{1, 1};
  spend(held, kinesis, 5 * mebibyte);
  EXPECT_DOUBLE_EQ(held.count, 0.8);
  EXPECT_DOUBLE_EQ(held.bytes, -1.5);
  EXPECT_NEAR(static_cast<double>(until_readable(held, kinesis).count()), 1.5e6, 1);
}

TEST(Reading, AReaderByItselfKeepsToTheCallsASecond) {
  Bucket own;
  double time = 100;
  std::size_t calls = 0;
  while (time < 110) {
    refill(own, at(time));
    const Duration wait = until_readable(own.level, kinesis);
    if (wait == Duration(0)) {
      spend(own.level, kinesis, 100);
      ++calls;
    }
    time += std::chrono::duration<double>(wait).count();
  }
  EXPECT_NEAR(static_cast<double>(calls), 55, 1) << "5 a second, and 5 at the start";
}

TEST(Reading, TheNextTopUpIsAfterARandomTime) {
  EXPECT_EQ(until_next_top_up(0), milliseconds(700));
  EXPECT_EQ(until_next_top_up(1), seconds(1));
}

/// Consumers that always want to read, for ten minutes, in which a commit takes no time. Returns what each has read.
std::vector<double> read_by(std::size_t consumers, std::uint64_t bytes_a_call, std::uint64_t seed, bool count_bytes) {
  struct Consumer {
    Seconds held{};
    double next = 0;
    double read = 0;
  };
  constexpr double end = 600;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<Consumer> all(consumers);
  for (Consumer& consumer : all) consumer.next = uniform(random);
  Bucket shard{{0, 0}, at(0)};
  while (true) {
    Consumer& consumer =
        *std::min_element(all.begin(), all.end(), [](const Consumer& a, const Consumer& b) { return a.next < b.next; });
    if (consumer.next >= end) break;
    top_up(consumer.held, shard, at(consumer.next));
    for (; readable(consumer.held, kinesis); consumer.read += count_bytes ? static_cast<double>(bytes_a_call) : 1) {
      spend(consumer.held, kinesis, bytes_a_call);
    }
    consumer.next += std::chrono::duration<double>(until_next_top_up(uniform(random))).count();
  }
  std::vector<double> rates;
  for (const Consumer& consumer : all) rates.push_back(consumer.read / end);
  std::sort(rates.begin(), rates.end());
  return rates;
}

TEST(ReadingSimulation, ConsumersShareAllTheBytes) {
  for (const std::size_t consumers : {1U, 3U, 10U, 30U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const std::vector<double> rates = read_by(consumers, mebibyte, seed, true);
      EXPECT_NEAR(std::accumulate(rates.begin(), rates.end(), 0.0), 2.0 * mebibyte, 0.03 * 2 * mebibyte);
      EXPECT_GE(rates.front(), 0.6 * rates[consumers / 2]) << consumers << " consumers, seed " << seed;
    }
  }
}

TEST(ReadingSimulation, ConsumersShareAllTheCalls) {
  for (const std::size_t consumers : {1U, 3U, 10U, 30U}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const std::vector<double> rates = read_by(consumers, 100, seed, false);
      EXPECT_NEAR(std::accumulate(rates.begin(), rates.end(), 0.0), 5, 0.03 * 5);
      EXPECT_GE(rates.front(), 0.6 * rates[consumers / 2]) << consumers << " consumers, seed " << seed;
    }
  }
}

}  // namespace
}  // namespace shardlog::capacity

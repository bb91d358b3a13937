#include "shardlog/capacity/reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <vector>

#include "unit/simulated_writers.h"

namespace shardlog::capacity {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::mebibyte;

const Price kinesis = price_of_reading(kinesis_limits());

Moment at(double time) {
  return {"boot", Duration(static_cast<std::int64_t>(time * 1e6))};
}

TEST(TopUp, TheOnlyReaderTakesAllThatThereIs) {
  Bucket shard{{0.25, 0.5}, at(1)};
  Seconds held;
  top_up(held, shard, {}, at(1.25));
  EXPECT_EQ(held, (Seconds{0.5, 0.75}));
  EXPECT_EQ(shard, (Bucket{{0, 0}, at(1.25)}));
}

TEST(TopUp, LeavesWhatWouldBeMoreThanASecond) {
  Bucket shard;
  Seconds held{0.75, -3};
  top_up(held, shard, {}, at(1));
  EXPECT_EQ(held, (Seconds{1, -2}));
  EXPECT_EQ(shard.level, (Seconds{0.75, 0}));
}

TEST(TopUp, TakesNothingOfADebt) {
  Bucket shard{{-0.5, -0.5}, at(1)};
  Seconds held{0.1, 0.1};
  top_up(held, shard, {}, at(1.25));
  EXPECT_EQ(held, (Seconds{0.1, 0.1}));
  EXPECT_EQ(shard.level, (Seconds{-0.25, -0.25}));
}

/// What a consumer that holds nothing gets of a shard with this level.
double taken(double level, const Claim& claim) {
  Bucket shard{{level, level}, at(1)};
  Seconds held;
  top_up(held, shard, claim, at(1));
  EXPECT_EQ(held.count, held.bytes);
  EXPECT_DOUBLE_EQ(held.count + shard.level.count, level);
  return held.count;
}

TEST(TopUp, OneOfManyTakesWhatItsPartOfTheTimeEarned) {
  EXPECT_DOUBLE_EQ(taken(0.3, {milliseconds(500), 4}), 0.125);
  EXPECT_DOUBLE_EQ(taken(0.1, {milliseconds(500), 4}), 0.1) << "there is no more";
  EXPECT_DOUBLE_EQ(taken(0.2, {seconds(5), 10}), 0.1) << "a second is the most that counts";
  EXPECT_DOUBLE_EQ(taken(0.2, {seconds(-1), 10}), 0);
}

TEST(TopUp, OneOfManyTakesWhatTheOthersDoNotNeed) {
  EXPECT_DOUBLE_EQ(taken(0.75, {milliseconds(500), 4}), 0.45) << "0.3 stays";
  EXPECT_DOUBLE_EQ(taken(1, {milliseconds(500), 4}), 1) << "a full shard would earn nothing more";
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
  EXPECT_EQ(until_next_top_up(0), milliseconds(500));
  EXPECT_EQ(until_next_top_up(1), milliseconds(700));
}

struct Readers {
  Price price;
  std::size_t readers = 1;  ///< consumers that own a lease
  std::size_t reading = 1;  ///< those of them that always want to read; the others want nothing
  std::uint64_t seed = 1;
};

constexpr std::uint64_t bytes_a_call = mebibyte / 64;

/// How often each consumer can make a call, a second, in the 20 seconds after the first ten. A commit takes no time.
std::vector<double> calls_a_second(const Readers& of) {
  struct Consumer {
    Seconds held{};
    double last = 0;
    double next = 0;
    double calls = 0;
  };
  constexpr double warm = 10;
  constexpr double end = 30;
  std::mt19937_64 random(of.seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<Consumer> all(of.reading);
  for (Consumer& consumer : all) consumer.next = uniform(random);
  Bucket shard{{0, 0}, at(0)};
  while (true) {
    Consumer& consumer = *std::ranges::min_element(all, {}, &Consumer::next);
    if (consumer.next >= end) break;
    const std::chrono::duration<double> since(consumer.next - consumer.last);
    top_up(consumer.held, shard, {std::chrono::duration_cast<Duration>(since), of.readers}, at(consumer.next));
    for (; readable(consumer.held, of.price); spend(consumer.held, of.price, bytes_a_call)) {
      if (consumer.next >= warm) ++consumer.calls;
    }
    consumer.last = consumer.next;
    consumer.next += std::chrono::duration<double>(until_next_top_up(uniform(random))).count();
  }
  std::vector<double> rates;
  for (const Consumer& consumer : all) rates.push_back(consumer.calls / (end - warm));
  std::ranges::sort(rates);
  return rates;
}

/// Of 50 seeds. `most` is what the limit allows, calls a second.
void expect_fair(const Price& price, std::size_t readers, std::size_t reading, double most, double fairness) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<double> rates = calls_a_second({price, readers, reading, seed});
    EXPECT_NEAR(std::accumulate(rates.begin(), rates.end(), 0.0), most, 0.05 * most) << reading << ", seed " << seed;
    EXPECT_GE(rates.front(), fairness * rates[reading / 2]) << reading << " consumers, seed " << seed;
  }
}

TEST(ReadingSimulation, ConsumersShareAllTheBytes) {
  const Price price = price_of_reading({.read_bytes = 2 * mebibyte});
  for (const std::size_t consumers : {1U, 2U, 3U, 10U, 30U}) expect_fair(price, consumers, consumers, 128, 0.85);
}

TEST(ReadingSimulation, ConsumersShareAllTheCalls) {
  const Price price = price_of_reading({.read_calls = 5});
  expect_fair(price, 1, 1, 5, 1);
  expect_fair(price, 3, 3, 5, 0.85);
  expect_fair(price, 10, 10, 5, 0.6);  // ten calls each in this time: two of them are a fifth
}

TEST(ReadingSimulation, WhatSomeDoNotReadTheOthersCan) {
  const Price price = price_of_reading({.read_bytes = 2 * mebibyte});
  expect_fair(price, 10, 1, 128, 1);
  expect_fair(price, 10, 3, 128, 0.45);
  expect_fair(price, 30, 10, 128, 0.35);
}

}  // namespace
}  // namespace shardlog::capacity

// What a stream remembers of its traffic.

#include "contract/contract.h"

namespace shardlog::contract {
namespace {

using metrics::Counts;
using metrics::Measures;
using metrics::Period;

class MetricsContract : public TwoShards {
 protected:
  MetricsContract() {
    clock_.set(Timestamp(std::chrono::floor<std::chrono::hours>(clock_.now())));
    minute_ = std::chrono::floor<std::chrono::minutes>(clock_.now());
  }

  /// On an engine that has clocks of its own, that in which the test began.
  [[nodiscard]] Timestamp this_minute() const {
    return can().clock_of_caller ? std::chrono::floor<std::chrono::minutes>(clock_.now()) : minute_;
  }

  /// Of one read of so many records of shard 0, which took 2 ms.
  static Measures read_of(std::uint64_t records) {
    Measures measures;
    measures.shards[shard(0)].out = {records, 10 * records, 1};
    measures.readers[""].out = {records, 10 * records, 1};
    measures.readers[""].read.add(2ms);
    return measures;
  }

  bool add(Stream& stream, const Measures& measures) {
    const Period period{this_minute(), 1min, measures};
    return stream.metrics().add({&period, 1});
  }

  std::vector<Period> history(Duration back = 31 * 24h) {
    return open(Access::read)->metrics().history(clock_.now() - back, clock_.now() + 1us);
  }

  Counts came_in(const Period& period, std::uint32_t number = 0) {
    const auto found = period.measures.shards.find(shard(number));
    return found == period.measures.shards.end() ? Counts() : found->second.in;
  }
  Counts came_in(const std::vector<Period>& periods, std::uint32_t number = 0) {
    Counts sum;
    for (const Period& each : periods) sum += came_in(each, number);
    return sum;
  }

  Timestamp minute_;
};

TEST_P(MetricsContract, AnEngineWithoutThemTakesAndForgetsThem) {
  if (can().metrics) GTEST_SKIP() << "it has them";
  EXPECT_TRUE(add(*stream_, read_of(3)));
  put(*stream_, 0, {"a"});
  EXPECT_TRUE(history().empty());
}

TEST_P(MetricsContract, WhatProcessesMeasuredInAMinuteAddsUp) {
  if (!can().metrics) GTEST_SKIP();
  ASSERT_TRUE(add(*stream_, read_of(3)));
  ASSERT_TRUE(add(*open(), read_of(4)));
  ASSERT_TRUE(add(*open(Access::read), read_of(5))) << "a reader can add too";
  const auto periods = history();
  ASSERT_EQ(periods.size(), 1U);
  EXPECT_EQ(periods[0].start, this_minute());
  EXPECT_EQ(periods[0].length, 1min);
  EXPECT_EQ(periods[0].measures.shards.at(shard(0)).out, (Counts{12, 120, 3}));
  EXPECT_EQ(periods[0].measures.readers.at("").read.count(), 3U);
  EXPECT_EQ(periods[0].measures.readers.at("").read.max(), 2ms);
}

TEST_P(MetricsContract, WhatArrivesIsCountedByItself) {
  if (!can().metrics) GTEST_SKIP();
  put(*stream_, 0, {"a", "bc"});
  put(*stream_, 1, {"def"});
  let_pass(59'999'999us);
  put(*stream_, 0, {"g"});
  let_pass(1us);
  put(*stream_, 0, {"h"});
  const auto periods = history();
  EXPECT_EQ(came_in(periods), (Counts{4, 5, 3}));
  EXPECT_EQ(came_in(periods, 1), (Counts{1, 3, 1}));
  if (!can().clock_of_caller) return;
  ASSERT_EQ(periods.size(), 2U);
  EXPECT_EQ(came_in(periods[0]), (Counts{3, 4, 2})) << "up to the last microsecond of the minute";
  EXPECT_EQ(came_in(periods[0], 1), (Counts{1, 3, 1}));
  EXPECT_EQ(came_in(periods[1]), (Counts{1, 1, 1}));
}

TEST_P(MetricsContract, WhatWasTrimmedStillCounts) {
  if (!can().metrics) GTEST_SKIP();
  put(*stream_, 0, {"a", "bc"});
  let_pass(1min);
  put(*stream_, 1, {"def"});
  const auto before = history();
  let_expire(*stream_);
  EXPECT_TRUE(data(*stream_).empty());
  EXPECT_EQ(came_in(history()), (Counts{2, 3, 1}));
  EXPECT_EQ(came_in(history(), 1), (Counts{1, 3, 1}));
  put(*stream_, 0, {"new"});
  const auto after = history();
  EXPECT_EQ(came_in(after), (Counts{3, 6, 2}));
  if (!can().clock_of_caller) return;
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(came_in(after[0]), (Counts{2, 3, 1}));
  EXPECT_EQ(came_in(after[1], 1), (Counts{1, 3, 1}));
  EXPECT_EQ(came_in(after[2]), (Counts{1, 3, 1}));
  EXPECT_EQ(before[0].measures, after[0].measures);
}

TEST_P(MetricsContract, WhatIsOlderThanADayIsKeptByTheHour) {
  if (!can().metrics || !can().clock_of_caller) GTEST_SKIP();
  const Timestamp start = this_minute();
  put(*stream_, 0, {"a"});
  ASSERT_TRUE(add(*stream_, read_of(1)));
  clock_.step(59min);
  put(*stream_, 0, {"b"});
  ASSERT_TRUE(add(*stream_, read_of(2)));
  clock_.step(1min);
  ASSERT_TRUE(add(*stream_, read_of(4)));
  clock_.step(24h - 1us);
  EXPECT_EQ(history().size(), 3U) << "still a day";
  clock_.step(1us);
  for (const bool rolled_up : {false, true}) {
    SCOPED_TRACE(rolled_up);
    const auto periods = history();
    ASSERT_EQ(periods.size(), rolled_up ? 3U : 2U);
    EXPECT_EQ(periods[0].start, start);
    EXPECT_EQ(periods[0].length, 1h);
    EXPECT_EQ(periods[0].measures.shards.at(shard(0)).out, (Counts{3, 30, 2}));
    EXPECT_EQ(came_in(periods[0]), (Counts{2, 2, 2}));
    EXPECT_EQ(periods[1].length, 1min);
    ASSERT_TRUE(add(*stream_, read_of(8)));
  }
}

TEST_P(MetricsContract, WhatIsOlderThanAMonthIsForgotten) {
  if (!can().metrics || !can().clock_of_caller) GTEST_SKIP();
  put(*stream_, 0, {"a"});
  ASSERT_TRUE(add(*stream_, read_of(1)));
  clock_.step(31 * 24h + 59min);
  EXPECT_EQ(history(60 * 24h).size(), 1U);
  clock_.step(1min);
  EXPECT_EQ(history(60 * 24h).size(), 0U);
}

TEST_P(MetricsContract, AHistoryHasThePeriodsThatOverlapItsTime) {
  if (!can().metrics || !can().clock_of_caller) GTEST_SKIP();
  const Timestamp start = this_minute();
  for (int minute = 0; minute < 3; ++minute) {
    put(*stream_, 0, {"a"});
    clock_.step(1min);
  }
  const auto starts = [&](Timestamp from, Timestamp until) {
    std::vector<Duration> result;
    for (const Period& each : stream_->metrics().history(from, until)) result.push_back(each.start - start);
    return result;
  };
  using Starts = std::vector<Duration>;
  EXPECT_EQ(starts(start + 1min, start + 2min), (Starts{1min}));
  EXPECT_EQ(starts(start + 1min - 1us, start + 2min + 1us), (Starts{0min, 1min, 2min}));
  EXPECT_EQ(starts(start + 90s, start + 91s), (Starts{1min})) << "a part of a minute is told as the whole minute";
  EXPECT_EQ(starts(start + 1min, start + 1min), Starts{});
  EXPECT_EQ(starts(start + 2h, start), Starts{});
  EXPECT_EQ(starts(Timestamp::min(), Timestamp::max()), (Starts{0min, 1min, 2min}));
}

INSTANTIATE_TEST_SUITE_P(Engines, MetricsContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract

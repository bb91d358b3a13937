#include "tools/stream-stats/traffic.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "unit/figures_example.h"

namespace shardlog::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test::counts;
using test::minute_at;

constexpr Timestamp an_hour = test::whole_minute;

/// A minute in which records came in.
metrics::Period minute_with(Timestamp start, const metrics::Counts& in) {
  metrics::Period period = minute_at(start);
  period.measures.shards[ShardId(0)].in = in;
  return period;
}

TEST(PartOfAPeriod, IsWhatLiesBetweenTwoTimes) {
  const metrics::Period period = minute_at(an_hour);
  const Timestamp later = an_hour + minutes(10);
  EXPECT_EQ(part_between(period, an_hour, an_hour + minutes(1), later), 1);
  EXPECT_EQ(part_between(period, an_hour - minutes(5), later, later), 1);
  EXPECT_EQ(part_between(period, an_hour + seconds(15), an_hour + seconds(30), later), 0.25);
  EXPECT_EQ(part_between(period, an_hour + minutes(1), later, later), 0);
  EXPECT_EQ(part_between(period, an_hour - minutes(1), an_hour, later), 0);
}

TEST(PartOfAPeriod, CountsOnlyTheTimeThatHasPassed) {
  const metrics::Period period = minute_at(an_hour);
  const Timestamp now = an_hour + seconds(20);
  EXPECT_EQ(part_between(period, now - minutes(1), now, now), 1);
  EXPECT_EQ(part_between(period, an_hour + seconds(10), now, now), 0.5);
  EXPECT_EQ(part_between(period, an_hour - minutes(1), an_hour, an_hour), 0) << "it begins now";
}

TEST(Traffic, OfTheLastMinuteTakesItsPartOfTheMinuteBefore) {
  // 15 seconds into a minute with 300 records so far, after one with 1,200: three quarters of those are 900.
  const std::vector<metrics::Period> periods{minute_with(an_hour - minutes(1), {1200, 12'000, 12}),
                                             minute_with(an_hour, {300, 3000, 3})};
  const StreamTraffic traffic = traffic_of(periods, an_hour + seconds(15));
  EXPECT_EQ(traffic.in.last_minute, (Rate{20, 200, 0.2}));
  EXPECT_EQ(traffic.in.last_hour.at(58), 0) << "each record counts in one minute";
  EXPECT_EQ(traffic.in.last_hour.at(59), 20);
  EXPECT_EQ(traffic.in.last_hour.at(57), 0);
  EXPECT_EQ(traffic.in.peak(), 20);
  EXPECT_FALSE(traffic.in.empty());
  EXPECT_TRUE(traffic.dropped.empty());
}

TEST(Traffic, OfTheLastHourHasAMinuteEach) {
  std::vector<metrics::Period> periods;
  for (int ago = 61; ago > 0; --ago) {
    periods.push_back(minute_at(an_hour - minutes(ago)));
    periods.back().measures.shards[ShardId(0)].throttled = counts(static_cast<std::uint64_t>(60 * ago));
  }
  const Traffic throttled = traffic_of(periods, an_hour).throttled;
  ASSERT_EQ(throttled.last_hour.size(), 60U);
  EXPECT_EQ(throttled.last_hour.front(), 60);
  EXPECT_EQ(throttled.last_hour.at(58), 2);
  EXPECT_EQ(throttled.last_hour.at(59), 1);
}

TEST(Traffic, OfReadersIsThatOfAMinuteThatTheyHaveReportedAllOf) {
  // 600 records a minute come and are read; 15 seconds into a minute readers have reported those of 10.
  std::vector<metrics::Period> periods;
  for (const int ago : {2, 1, 0}) {
    periods.push_back(minute_with(an_hour - minutes(ago), counts(ago == 0 ? 150 : 600)));
    periods.back().measures.shards[ShardId(0)].out = counts(ago == 0 ? 100 : 600);
    periods.back().measures.readers["c"].out = counts(ago == 0 ? 100 : 600);
  }
  const StreamTraffic traffic = traffic_of(periods, an_hour + seconds(15));
  EXPECT_EQ(traffic.in.last_minute.records, 10);
  EXPECT_EQ(traffic.all_readers.out.last_minute.records, 10);
  EXPECT_EQ(traffic.readers.at("c").out.last_minute.records, 10);
  periods.erase(periods.begin(), periods.end() - 1);
  EXPECT_EQ(traffic_of(periods, an_hour + seconds(15)).readers.at("c").out.last_minute.records, 100.0 / 60)
      << "a reader that has just begun";
}

TEST(Traffic, OfReadersIsKnownForEachShard) {
  std::vector<metrics::Period> periods{minute_at(an_hour - minutes(2)), minute_at(an_hour - minutes(1))};
  periods[0].measures.shards[ShardId(0)].out = counts(1);
  periods[1].measures.shards[ShardId(1)].out = counts(600, 6000, 120);
  const StreamTraffic traffic = traffic_of(periods, an_hour + seconds(15));
  EXPECT_EQ(traffic.reads, (std::map<ShardId, Rate>{{ShardId(1), {10, 100, 2}}}));
}

TEST(Traffic, IsSumOfShardsAndKeepsKindsApart) {
  metrics::Period period = minute_at(an_hour - minutes(1));
  period.measures.shards[ShardId(0)] = {counts(60), counts(120), counts(180), counts(240), counts(0, 0, 300)};
  period.measures.shards[ShardId(1)] = period.measures.shards[ShardId(0)];
  const StreamTraffic traffic = traffic_of(std::vector{period}, an_hour);
  EXPECT_EQ(traffic.in.last_minute.records, 2);
  EXPECT_EQ(traffic.all_readers.out.last_minute.records, 4);
  EXPECT_EQ(traffic.throttled.last_minute.records, 6);
  EXPECT_EQ(traffic.dropped.last_minute.records, 8);
  EXPECT_EQ(traffic.all_readers.throttled.last_minute.calls, 10);
}

TEST(Traffic, IsNotKnownIfSomeOfTheLastMinutesIsDamaged) {
  std::vector<metrics::Period> periods{minute_at(an_hour - minutes(30)), minute_at(an_hour - minutes(1))};
  periods[1].measures.readers["c"].out = counts(60);
  periods[0].is_damaged = true;
  const StreamTraffic before = traffic_of(periods, an_hour);
  EXPECT_TRUE(before.is_damaged && before.is_known && before.all_readers.is_known && before.readers.at("c").is_known);
  periods[1].is_damaged = true;
  const StreamTraffic now = traffic_of(periods, an_hour);
  EXPECT_FALSE(now.is_known || now.all_readers.is_known || now.readers.at("c").is_known);
  EXPECT_EQ(growth_of_backlog(periods, test::behind("c", 60, seconds(1)).statistics, an_hour), std::nullopt);
  EXPECT_FALSE(traffic_of({}, an_hour).is_damaged);
}

TEST(Arrivals, ThatTheBatchesCannotTellAnyMoreComeFromMetrics) {
  Figures figures = test::example_figures("s", 2);
  figures.arrivals.shards[0].last_minute = Rate{7, 70, 1};
  std::vector<metrics::Period> periods{minute_with(an_hour - minutes(20), counts(60'000)),
                                       minute_with(an_hour - minutes(3), counts(1200, 12'000, 60)),
                                       minute_with(an_hour - minutes(1), counts(60, 600, 60))};
  periods[2].measures.shards[ShardId(1)].in = counts(30'000, 60'000, 60);
  add_traffic(figures, periods);
  EXPECT_EQ(figures.arrivals.stream.last_minute, (Rate{501, 1010, 2}));
  EXPECT_EQ(figures.arrivals.of_shard(0).last_minute, (Rate{7, 70, 1})) << "which the batches tell";
  EXPECT_EQ(figures.arrivals.of_shard(1).last_minute, (Rate{500, 1000, 1}));
  EXPECT_EQ(utilisation_of(figures, 1).records, 50);
  EXPECT_EQ(figures.arrivals.busiest_minute, (Rate{501, 1010, 2}));
  EXPECT_EQ(figures.arrivals.stream.last_15_minutes, std::nullopt);
  Figures damaged = test::example_figures("s", 2);
  periods[0].is_damaged = true;
  add_traffic(damaged, periods);
  EXPECT_EQ(damaged.arrivals.of_shard(1).last_minute, std::nullopt);
}

TEST(Latencies, AreThoseOfTheLastTwoMinutesOfEachReaderAndOfAll) {
  const auto ms = [](int n) { return Duration(std::chrono::milliseconds(n)); };
  std::vector<metrics::Period> periods;
  for (int ago = 2; ago >= 0; --ago) periods.push_back(minute_at(an_hour - minutes(ago)));
  periods[0].measures.put.add(ms(9000));
  periods[1].measures.put.add(ms(10), 99);
  periods[2].measures.put.add(ms(70));
  periods[1].measures.readers["a"].propagation.add(ms(1), 3);
  periods[2].measures.readers["b"].propagation.add(ms(5));
  periods[2].measures.readers["b"].skewed = 7;
  const StreamTraffic traffic = traffic_of(periods, an_hour + seconds(30));
  ASSERT_TRUE(traffic.put.has_value());
  EXPECT_EQ(traffic.put->count, 100U);
  EXPECT_NEAR(static_cast<double>(traffic.put->p50.count()), 10'000, 100);
  EXPECT_NEAR(static_cast<double>(traffic.put->p99.count()), 10'000, 100);
  EXPECT_EQ(traffic.put->max, ms(70));
  EXPECT_EQ(traffic.all_readers.propagation->count, 4U);
  EXPECT_EQ(traffic.readers.at("a").propagation->max, ms(1));
  EXPECT_EQ(traffic.readers.at("b").skewed, 7U);
  EXPECT_EQ(traffic.readers.at("b").read, std::nullopt);
}

/// A minute for each pair, the last one before `an_hour`: how many records came in, and how many a consumer processed.
std::vector<metrics::Period> minutes_of(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& in_and_processed) {
  std::vector<metrics::Period> periods;
  Timestamp start = an_hour - minutes(in_and_processed.size());
  for (const auto& [in, processed] : in_and_processed) {
    periods.push_back(minute_with(start, counts(in)));
    periods.back().measures.readers["c"].out.records = 10'000;
    periods.back().measures.readers["c"].processed = processed;
    start += minutes(1);
  }
  return periods;
}

/// A consumer, and when it is looked at.
struct Look {
  std::uint64_t backlog = 0;
  Duration age = seconds(30);
  Duration later = Duration(0);  ///< than `an_hour`
  Timestamp created{};
};

std::optional<double> growth_of(const std::vector<metrics::Period>& periods, const Look& look) {
  ConsumerStatistics consumer = test::behind("c", look.backlog, look.age - look.later).statistics;
  consumer.consumer.uuid = "c";
  consumer.consumer.created_at = look.created;
  return growth_of_backlog(periods, consumer, an_hour + look.later);
}

TEST(GrowthOfABacklog, CountsWhatIsProcessedNotWhatIsRead) {
  // A command that fails reads the same 10,000 records in each run.
  EXPECT_EQ(growth_of(minutes_of({{600, 0}, {600, 0}, {600, 0}, {600, 0}}), {2400}), 10);
  EXPECT_EQ(growth_of(minutes_of({{600, 1200}, {600, 1200}, {600, 1200}}), {9000}), -10);
  EXPECT_EQ(growth_of(minutes_of({{600, 600}, {600, 600}, {600, 600}}), {9000}), 0);
  auto of_others = minutes_of({{60, 60}, {60, 60}, {60, 60}});
  for (metrics::Period& each : of_others) each.measures.readers["other"] = each.measures.readers.extract("c").mapped();
  EXPECT_EQ(growth_of(of_others, {180}), 1);
}

TEST(GrowthOfABacklog, IsNoneForAConsumerThatKeepsUpAndReportsLate) {
  // All that came in during a few minutes seems to be unprocessed; but the backlog is what came in the last 5 seconds.
  std::vector<metrics::Period> periods = minutes_of(std::vector(15, std::pair<std::uint64_t, std::uint64_t>(600, 600)));
  for (std::size_t late = 1; late <= 15; ++late) {
    periods[15 - late].measures.readers.clear();
    EXPECT_EQ(growth_of(periods, {50, seconds(5)}), 0) << late << " minutes";
    EXPECT_EQ(growth_of(periods, {0}), 0) << late << " minutes";
  }
}

TEST(GrowthOfABacklog, EndsAtTheNewestReportIfTheConsumerHasGoneOnSince) {
  // It is 10 minutes behind. What it processed in the last 5 minutes is not reported.
  const auto late = [](std::uint64_t processed) {
    std::vector<metrics::Period> periods = minutes_of(std::vector(60, std::pair(std::uint64_t{600}, processed)));
    for (std::size_t i = 0; i < 60; ++i) {
      if (i < 55) periods[i].measures.readers["c"].age.add(minutes(10), 600);
      if (i >= 55) periods[i].measures.readers.clear();
    }
    return periods;
  };
  EXPECT_EQ(growth_of(late(600), {6000, minutes(10)}), 0);
  EXPECT_EQ(growth_of(late(1200), {6000, minutes(10)}), -10);
  EXPECT_EQ(growth_of(late(600), {9000, minutes(15)}), 10) << "it stands still since its newest report";
}

TEST(GrowthOfABacklog, ShowsThatAConsumerIsPaused) {
  for (std::uint64_t pause = 3; pause <= 10; ++pause) {
    std::vector<metrics::Period> periods =
        minutes_of(std::vector(15, std::pair(std::uint64_t{600}, std::uint64_t{600})));
    for (std::size_t i = 0; i < 15 - pause; ++i) periods[i].measures.readers["c"].age.add(seconds(1), 600);
    for (std::size_t i = 15 - pause; i < 15; ++i) periods[i].measures.readers.clear();
    EXPECT_EQ(growth_of(periods, {600 * pause, minutes(pause)}), 10) << "for " << pause << " minutes";
    EXPECT_EQ(growth_of(periods, {600 * pause + 9000, minutes(pause + 15)}), 10) << "it was behind already";
  }
}

TEST(GrowthOfABacklog, IsNoneForAConsumerWhoseCommandTakesMinutes) {
  EXPECT_EQ(growth_of(minutes_of({{600, 0}, {600, 0}, {600, 1800}, {600, 0}, {600, 0}, {600, 1800}, {600, 0}}), {1800}),
            0);
  EXPECT_EQ(growth_of(minutes_of({{600, 0}, {600, 1800}, {600, 0}, {600, 0}, {600, 1800}, {600, 0}, {600, 0}}), {1800}),
            0);
}

TEST(GrowthOfABacklog, ShowsASmallShareOnceItIsMoreThanComesInWithinTenSeconds) {
  // 600,000 records come in a minute, and 4 % of them stay: 24,000 a minute, while a report may lack 100,000.
  const auto four_percent = [](std::size_t length) {
    return growth_of(minutes_of(std::vector(length, std::pair(std::uint64_t{600'000}, std::uint64_t{576'000}))),
                     {24'000 * length, seconds(30), {}, an_hour - minutes(length)});
  };
  EXPECT_EQ(four_percent(4), 0);
  EXPECT_EQ(four_percent(5), 400);
  EXPECT_EQ(four_percent(15), 400);
}

TEST(GrowthOfABacklog, IsNotKnownOfANewConsumerOrIfNothingHappened) {
  const auto periods = minutes_of({{600, 0}, {600, 0}, {600, 0}, {600, 0}});
  EXPECT_EQ(growth_of(periods, {2400, minutes(4), {}, an_hour - minutes(3)}), 10);
  EXPECT_EQ(growth_of(periods, {2400, minutes(4), {}, an_hour - minutes(3) + seconds(1)}), std::nullopt);
  EXPECT_EQ(growth_of(periods, {2400, minutes(24), minutes(20)}), std::nullopt);
  EXPECT_EQ(growth_of({}, {7}), std::nullopt);
}

TEST(TrendInTheFigures, IsThatOfTheMinutesIfItIsTooSlowForAMinuteOfPages) {
  const auto trend_in = [](std::uint64_t processed, std::optional<double> of_pages) {
    Figures figures = test::example_figures("s", 1);
    figures.consumers = {test::behind("c", 9'000'000, minutes(15), of_pages)};
    figures.consumers[0].statistics.consumer.uuid = "c";
    add_traffic(figures, minutes_of(std::vector(15, std::pair(std::uint64_t{600'000}, processed))));
    return figures.consumers[0].statistics.trend;
  };
  EXPECT_EQ(trend_in(576'000, std::nullopt), 400) << "4 % of what comes in";
  EXPECT_EQ(trend_in(576'000, 0), 400);
  EXPECT_EQ(trend_in(576'000, 17), 17) << "what the pages say is exact, and newer";
  EXPECT_EQ(trend_in(0, 0), 0) << "which has ended: a minute of pages would show it";
}

}  // namespace
}  // namespace shardlog::cli

#include "tools/stream-stats/history.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "support/time_zone.h"
#include "tools/stream-stats/history_page.h"
#include "tools/stream-stats/time_axis.h"
#include "unit/figures_example.h"

namespace shardlog::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::whole_minute;

const std::map<std::string, std::string> consumers{{"uuid of billing", "billing"}};

/// 600 records came in, and some of them were read by a consumer.
metrics::Period busy_minute(Timestamp start) {
  metrics::Period period = test::minute_at(start);
  period.measures.shards[ShardId(0)].in = test::counts(600);
  period.measures.readers["uuid of billing"].age.add(seconds(31));
  period.measures.readers["uuid of billing"].propagation.add(milliseconds(20));
  return period;
}

std::vector<std::string> names_of(const History& history) {
  std::vector<std::string> names;
  for (const Picture& picture : history.pictures) {
    for (const Course& course : picture.courses) names.push_back(course.name);
  }
  return names;
}

TEST(History, HasACourseOfEachThingThatThereWas) {
  const std::vector periods{busy_minute(whole_minute - minutes(3))};
  const History history = history_of(periods, whole_minute - minutes(4), whole_minute, 100, consumers);
  EXPECT_EQ(names_of(history), (std::vector<std::string>{"in", "age at read of billing", "propagation delay, p99"}));
  EXPECT_EQ(history.step, minutes(1));
  EXPECT_EQ(history.steps, 4U);
  EXPECT_EQ(history.pictures[0].courses[0].values, (std::vector<double>{0, 10, 0, 0}));
  const std::vector<double>& ages = history.pictures[1].courses[0].values;
  EXPECT_EQ(ages.at(1), 31);
  EXPECT_TRUE(std::isnan(ages.at(0)));
  EXPECT_NEAR(history.pictures[2].peak(), 0.02, 0.0002);
}

TEST(History, SharesAPeriodOutToTheStepsThatItLiesIn) {
  metrics::Period hour = busy_minute(whole_minute - hours(2));
  hour.length = hours(1);
  const std::vector periods{hour, busy_minute(whole_minute - minutes(1))};
  const History history = history_of(periods, whole_minute - hours(2), whole_minute, 4, consumers);
  EXPECT_EQ(history.step, minutes(30));
  const std::vector<double>& in = history.pictures[0].courses[0].values;
  ASSERT_EQ(in.size(), 4U);
  EXPECT_DOUBLE_EQ(in[0], 300.0 / 1800);
  EXPECT_DOUBLE_EQ(in[1], 300.0 / 1800);
  EXPECT_EQ(in[2], 0);
  EXPECT_DOUBLE_EQ(in[3], 600.0 / 1800);
  EXPECT_EQ(history.pictures[1].courses[0].values[1], 31) << "an age is that of every step of its period";
}

TEST(History, EndsWithTheNewestWholeMinute) {
  std::vector<metrics::Period> periods;
  for (int ago = 3; ago >= 0; --ago) periods.push_back(busy_minute(whole_minute - minutes(ago)));
  const History history = history_of(periods, whole_minute - minutes(3), whole_minute + seconds(5), 100, consumers);
  EXPECT_EQ(history.until(), whole_minute);
  EXPECT_EQ(history.pictures[0].courses[0].values, (std::vector<double>{10, 10, 10}));
  EXPECT_EQ(history_of(periods, whole_minute + seconds(1), whole_minute + seconds(5), 100, consumers).steps, 1U);
}

TEST(History, BeginsWhereItsFirstStepBegins) {
  // 25 hours in 140 steps are 1,500 minutes in steps of 11: 137 of them, 7 minutes more than asked for.
  const Timestamp from = whole_minute - hours(25);
  const Timestamp start = start_of_history(from, whole_minute, 140);
  EXPECT_EQ(start, from - minutes(7));
  EXPECT_EQ(history_of({}, from, whole_minute, 140, consumers).from, start);
}

TEST(HistoryPage, DrawsTheCoursesOverOneAxis) {
  const test::TimeZone zone("UTC0");
  std::vector<metrics::Period> periods;
  for (int ago = 10; ago > 0; --ago) {
    periods.push_back(test::minute_at(whole_minute - minutes(ago)));
    periods.back().measures.shards[ShardId(0)].in = test::counts(static_cast<std::uint64_t>(600 * (11 - ago)));
  }
  const Screen ascii{31, {}, false};
  const History history = history_of(periods, whole_minute - minutes(10), whole_minute, steps_on(ascii), {});
  EXPECT_EQ(format_history("orders", history, ascii),
            "orders  2025-11-24 15:50 to 2025-11-24 16:00\n\n"
            "in, records/s\n"
            "    100/s |              ..::##\n"
            "          |      ..::::########\n"
            "        0 |..::################\n"
            "          ++---------+---------\n"
            "           15:50     15:55\n");
}

TEST(HistoryPage, SaysThatThereWasNothing) {
  const History history = history_of({}, whole_minute - minutes(10), whole_minute, 60, {});
  EXPECT_NE(format_history("orders", history, {}).find("nothing put or read in this time\n"), std::string::npos);
}

TEST(Ticks, AreAtRoundLocalTimes) {
  const test::TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const Timestamp noon = std::chrono::sys_days(std::chrono::year(2026) / 10 / 25) + hours(11);  // 12:00 CET
  const auto labels = [](const std::vector<Tick>& ticks) {
    std::string text;
    for (const Tick& tick : ticks) text += tick.label + " ";
    return text;
  };
  // The clocks went back at 3:00.
  EXPECT_EQ(labels(ticks_between(noon - hours(24), noon, 6)), "18:00 Oct 25 06:00 12:00 ");
  EXPECT_EQ(labels(ticks_between(noon - minutes(7), noon, 4)), "11:54 11:56 11:58 12:00 ");
  EXPECT_EQ(labels(ticks_between(noon - hours(24 * 3), noon, 4)), "Oct 23 Oct 24 Oct 25 ");
  EXPECT_DOUBLE_EQ(ticks_between(noon - hours(4), noon, 4).at(1).place, 0.25);
}

}  // namespace
}  // namespace shardlog::cli

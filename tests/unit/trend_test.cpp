#include "tools/stream-stats/trend.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "tools/stream-stats/consumer_statistics.h"

namespace shardlog::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Of a backlog that is looked at every two seconds.
std::optional<double> trend(const std::vector<double>& backlogs) {
  std::vector<BacklogAt> looks;
  for (const double backlog : backlogs) looks.push_back({backlog, seconds(2 * looks.size())});
  return trend_of(looks);
}

TEST(Trend, IsNotKnownBeforeTheFourthLook) {
  EXPECT_EQ(trend({}), std::nullopt);
  EXPECT_EQ(trend({100, 200, 300}), std::nullopt);
  EXPECT_EQ(trend({100, 200, 300, 400}), 50);
}

TEST(Trend, OfASteadyBacklogIsItsSlope) {
  EXPECT_EQ(trend({7000, 6000, 5000, 4000, 3000}), -500);
  EXPECT_EQ(trend({0, 0, 0, 0}), 0);
}

TEST(Trend, OfABacklogThatGoesUpAndDownByAStepIsNone) {
  // 100 records a second come, and the checkpoint moves by 1,000.
  std::vector<double> backlogs;
  for (int i = 0; i < 30; ++i) {
    backlogs.push_back(200.0 * (i % 5));
    if (i > 5) {
      EXPECT_EQ(trend(backlogs), 0) << "after " << i;
    }
  }
  EXPECT_EQ(trend({4100, 3900, 4000, 4080, 3950, 4060}), 0);
}

TEST(Trend, OfAConsumerThatHasStoppedShowsAfterTwoSteps) {
  const std::vector<double> saw{0, 500, 0, 500, 0};
  std::vector<double> backlogs = saw;
  for (const double backlog : {500.0, 1000.0}) {
    backlogs.push_back(backlog);
    EXPECT_EQ(trend(backlogs), 0) << backlog;
  }
  backlogs.push_back(1500);
  EXPECT_EQ(trend(backlogs), 250);
}

TEST(Trend, IsOfTheLatestLooks) {
  EXPECT_EQ(trend({0, 1000, 2000, 3000, 4000, 3000, 2000, 1000}), -500) << "it was stopped, and goes on";
  EXPECT_EQ(trend({0, 0, 100'000, 99'000, 98'000, 97'000}), -500) << "much came at once, and is worked off";
}

TEST(Trend, OfABacklogThatShrinksInStepsIsTheirMean) {
  // 200 records a second come. 325 are processed, and the checkpoint moves by batches of 1,200.
  std::vector<BacklogAt> looks;
  for (int second = 0; second < 200; ++second) {
    const int processed = 325 * second / 1200 * 1200;
    looks.push_back({40'000.0 + 200 * second - processed, seconds(second)});
    if (second < 60) continue;
    const auto of_a_minute = std::span(looks).last(60);
    EXPECT_NEAR(trend_of(of_a_minute).value(), -125, 25) << "after " << second;
  }
}

TEST(Trend, OfABacklogThatBeginsToGrowHasNothingOfBefore) {
  std::vector<BacklogAt> looks;
  for (const double backlog : {0, 0, 0, 0, 201, 400, 600}) looks.push_back({backlog, seconds(looks.size())});
  EXPECT_EQ(trend_of(looks), 200);
}

ConsumerStatistics with_backlog(std::uint64_t backlog) {
  ConsumerStatistics consumer;
  consumer.backlog = backlog;
  return consumer;
}

TEST(Trends, RememberAMinuteOfLooksAtEachConsumer) {
  Trends trends;
  std::vector<ConsumerStatistics> consumers{with_backlog(0)};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(consumers[0].trend, std::nullopt);
    consumers = {with_backlog(100 * static_cast<std::uint64_t>(i))};
    trends.look("s", consumers, seconds(i), 0);
  }
  EXPECT_EQ(consumers[0].trend, 100);
  trends.look("other", consumers, seconds(4), 0);
  consumers = {with_backlog(300)};
  trends.look("s", consumers, seconds(70), 0);
  EXPECT_EQ(consumers[0].trend, std::nullopt) << "what was before is too old";
}

TEST(Trends, TakeWhatComesInWithinTwoSecondsAsNoise) {
  Trends trends;
  std::vector<ConsumerStatistics> consumers;
  for (int i = 0; i <= 6; ++i) {
    consumers = {with_backlog(40 * static_cast<std::uint64_t>(i))};
    trends.look("s", consumers, seconds(i), 100);
    if (i >= 3) {
      EXPECT_EQ(consumers[0].trend, i == 6 ? 40 : 0) << 40 * i;
    }
  }
}

TEST(Trends, TakeLooksThatAreVeryCloseAsOne) {
  Trends trends;
  std::vector<ConsumerStatistics> consumers;
  for (int i = 0; i < 10; ++i) {
    consumers = {with_backlog(static_cast<std::uint64_t>(i))};
    trends.look("s", consumers, milliseconds(10 * i), 0);
  }
  EXPECT_EQ(consumers[0].trend, std::nullopt);
}

}  // namespace
}  // namespace shardlog::cli

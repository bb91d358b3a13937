#include "tools/stream-stats/outlook.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "shardlog/log/settings.h"

namespace shardlog::cli {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Timestamp now(hours(1000));

ConsumerStatistics behind(std::uint64_t backlog, Duration age, std::optional<double> trend = {},
                          std::size_t workers = 1) {
  ConsumerStatistics consumer;
  consumer.backlog = backlog;
  if (backlog > 0) consumer.oldest = now - age;
  consumer.trend = trend;
  consumer.workers = workers;
  return consumer;
}

std::string words_of(const ConsumerStatistics& consumer, Duration retention = forever) {
  return outlook_text(outlook_of(consumer, now, retention), consumer.trend);
}

TEST(Outlook, SaysWhatBecomesOfABacklog) {
  EXPECT_EQ(words_of(behind(0, {}, 5)), "caught up");
  EXPECT_EQ(words_of(behind(9, seconds(1), -5, 0)), "no worker");
  EXPECT_EQ(words_of(behind(9, seconds(1), 120.4)), "falling behind by 120/s");
  EXPECT_EQ(words_of(behind(21'600, seconds(1), -120)), "caught up in 3m at this rate");
  EXPECT_EQ(words_of(behind(9, seconds(1))), "");
  EXPECT_EQ(words_of(behind(9, seconds(1), 0.4)), "");
  EXPECT_EQ(words_of(behind(UINT64_MAX, seconds(1), -0.5)), "caught up in 3650d at this rate");
}

TEST(Outlook, WarnsOfLossOnceAnAgePassesHalfOfTheRetention) {
  EXPECT_EQ(words_of(behind(9, hours(2)), hours(4)), "");
  EXPECT_EQ(words_of(behind(9, hours(2) + seconds(1)), hours(4)), "loses data in 1h 59m");
  EXPECT_EQ(words_of(behind(9, hours(3), 7), hours(4)), "falling behind by 7/s; loses data in 1h");
  EXPECT_EQ(words_of(behind(9, hours(5), {}, 0), hours(4)), "no worker; loses data in 0s");
  EXPECT_EQ(words_of(behind(9, hours(5000))), "") << "it is kept forever";
}

TEST(Outlook, SaysLessWhereThereIsLittleRoom) {
  const auto words = [](const ConsumerStatistics& consumer, Duration retention, std::size_t room) {
    return outlook_text(outlook_of(consumer, now, retention), consumer.trend, room);
  };
  const ConsumerStatistics loses = behind(9, hours(3), 12'345);
  EXPECT_EQ(words(loses, hours(4), 44), "falling behind by 12,345/s; loses data in 1h");
  EXPECT_EQ(words(loses, hours(4), 43), "falling behind; loses data in 1h");
  EXPECT_EQ(words(loses, hours(4), 31), "loses data in 1h");
  EXPECT_EQ(words(loses, hours(4), 0), "loses data in 1h") << "nothing says less";
  EXPECT_EQ(words(loses, forever, 20), "falling behind");
  EXPECT_EQ(words(behind(180, hours(1), -1), forever, 15), "caught up in 3m");
}

TEST(Outlook, DoesNotWarnAConsumerThatCatchesUpBefore) {
  EXPECT_EQ(words_of(behind(3599, hours(3), -1), hours(4)), "caught up in 59m 59s at this rate");
  EXPECT_EQ(words_of(behind(3600, hours(3), -1), hours(4)), "caught up in 1h at this rate; loses data in 1h");
}

TEST(Outlook, IsBadIfAPersonShouldLook) {
  EXPECT_TRUE(outlook_of(behind(9, seconds(1), 1), now, forever).is_bad());
  EXPECT_TRUE(outlook_of(behind(9, hours(3)), now, hours(4)).is_bad());
  EXPECT_FALSE(outlook_of(behind(9, hours(1), -1), now, hours(4)).is_bad());
}

TEST(AgeOfAConsumer, IsZeroWithoutABacklogAndIfTheClockWasSetBack) {
  EXPECT_EQ(age_of(behind(9, seconds(7)), now), seconds(7));
  EXPECT_EQ(age_of(behind(9, -seconds(7)), now), Duration(0));
  EXPECT_EQ(age_of(behind(0, seconds(7)), now), Duration(0));
}

}  // namespace
}  // namespace shardlog::cli

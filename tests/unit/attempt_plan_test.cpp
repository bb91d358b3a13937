#include "tools/stream-get/attempt_plan.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace shardlog::cli {
namespace {

using Then = AttemptPlan::Then;
using Parts = std::vector<RecordRun>;

/// What a command is run for that fails with any of the `bad` records, and which records are given up.
struct Trace {
  Parts attempts;
  std::vector<std::size_t> given_up;
  Duration paused{0};
};

Trace trace(std::size_t records, std::uint64_t retries, const std::set<std::size_t>& bad) {
  Trace result;
  AttemptPlan plan(records, retries);
  while (const auto part = plan.next()) {
    result.attempts.push_back(*part);
    const auto first_bad = bad.lower_bound(part->first);
    if (first_bad == bad.end() || *first_bad >= part->first + part->count) {
      plan.succeeded();
      continue;
    }
    switch (plan.failed()) {
      case Then::retry:
        result.paused += plan.pause();
        break;
      case Then::halve:
        break;
      case Then::give_up:
        result.given_up.push_back(part->first);
        plan.given_up();
        break;
    }
  }
  return result;
}

TEST(AttemptPlan, ABatchThatSucceedsIsOneAttempt) {
  EXPECT_EQ(trace(1000, 3, {}).attempts, (Parts{{0, 1000}}));
  EXPECT_EQ(trace(1, 0, {}).attempts, (Parts{{0, 1}}));
}

TEST(AttemptPlan, ASingleRecordIsTriedOnceMoreThanThereAreRetries) {
  EXPECT_EQ(trace(1, 3, {0}).attempts, (Parts{{0, 1}, {0, 1}, {0, 1}, {0, 1}}));
  EXPECT_EQ(trace(1, 0, {0}).attempts, (Parts{{0, 1}}));
  EXPECT_EQ(trace(1, 0, {0}).given_up, (std::vector<std::size_t>{0}));
}

TEST(AttemptPlan, HalvesDownToTheRecordThatFails) {
  EXPECT_EQ(trace(4, 0, {2}).attempts, (Parts{{0, 4}, {0, 2}, {2, 2}, {2, 1}, {3, 1}}));
  EXPECT_EQ(trace(4, 0, {2}).given_up, (std::vector<std::size_t>{2}));
}

TEST(AttemptPlan, OnlyTheWholeAndSingleRecordsAreRetried) {
  EXPECT_EQ(trace(3, 1, {0}).attempts, (Parts{{0, 3}, {0, 3}, {0, 2}, {0, 1}, {0, 1}, {1, 1}, {2, 1}}));
}

TEST(AttemptPlan, EachRecordIsDealtWithOnceAndInOrder) {
  for (std::size_t records = 1; records <= 33; ++records) {
    for (std::size_t bad = 0; bad < records; ++bad) {
      AttemptPlan plan(records, 0);
      std::size_t done = 0;
      while (const auto part = plan.next()) {
        ASSERT_EQ(part->first, done) << records << " records, " << bad << " is bad";
        if (bad < part->first || bad >= part->first + part->count) {
          plan.succeeded();
        } else if (plan.failed() == Then::give_up) {
          ASSERT_EQ(*part, (RecordRun{bad, 1}));
          plan.given_up();
        } else {
          continue;
        }
        done += part->count;
      }
      ASSERT_EQ(done, records);
    }
  }
}

TEST(AttemptPlan, AllBadRecordsAreGivenUpAndNoOthers) {
  EXPECT_EQ(trace(1000, 2, {0, 7, 499, 500, 999}).given_up, (std::vector<std::size_t>{0, 7, 499, 500, 999}));
  EXPECT_EQ(trace(3, 0, {0, 1, 2}).given_up, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(AttemptPlan, OneBadRecordOfAThousandCostsFewAttempts) {
  EXPECT_LE(trace(1000, 0, {617}).attempts.size(), 21U);  // 2 * 10 halvings and the whole
}

TEST(AttemptPlan, PausesDoubleFromATenthOfASecondToTenSeconds) {
  AttemptPlan plan(1, 20);
  std::vector<std::int64_t> pauses;
  while (plan.failed() == Then::retry) pauses.push_back(plan.pause() / std::chrono::milliseconds(1));
  ASSERT_EQ(pauses.size(), 20U);
  pauses.resize(9);
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}));
  EXPECT_EQ(trace(1, 3, {0}).paused, std::chrono::milliseconds(700));
}

TEST(AttemptPlan, PausesAreShortAgainForTheNextPart) {
  AttemptPlan plan(2, 1);
  EXPECT_EQ(plan.failed(), Then::retry);
  EXPECT_EQ(plan.failed(), Then::halve);
  EXPECT_EQ(plan.failed(), Then::retry);
  EXPECT_EQ(plan.attempts(), 1U);
  EXPECT_EQ(plan.pause(), std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace shardlog::cli

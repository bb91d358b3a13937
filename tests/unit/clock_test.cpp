#include "shardlog/core/clock.h"

#include <gtest/gtest.h>

namespace shardlog {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

std::string print(seconds since_epoch, microseconds rest = microseconds(0)) {
  return to_rfc3339(Timestamp(since_epoch + rest));
}

// The seconds are those of date(1): date -u -d 2026-01-31T23:59:59Z +%s.

TEST(Rfc3339, TheEpoch) {
  EXPECT_EQ(print(seconds(0)), "1970-01-01T00:00:00.000000Z");
}

TEST(Rfc3339, FirstMicrosecondOfASecond) {
  EXPECT_EQ(print(seconds(1'769'903'999), microseconds(1)), "2026-01-31T23:59:59.000001Z");
}

TEST(Rfc3339, LastMicrosecondOfADay) {
  EXPECT_EQ(print(seconds(1'769'903'999), microseconds(999'999)), "2026-01-31T23:59:59.999999Z");
}

TEST(Rfc3339, LastMicrosecondBeforeTheEpoch) {
  EXPECT_EQ(print(seconds(0), microseconds(-1)), "1969-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, LeapDayOfAYearDivisibleBy400) {
  EXPECT_EQ(print(seconds(951'827'696)), "2000-02-29T12:34:56.000000Z");
}

TEST(Rfc3339, NoLeapDayInAYearDivisibleBy100) {
  EXPECT_EQ(print(seconds(4'107'542'399)), "2100-02-28T23:59:59.000000Z");
  EXPECT_EQ(print(seconds(4'107'542'400)), "2100-03-01T00:00:00.000000Z");
}

TEST(Rfc3339, FirstSecondOfYear0) {
  EXPECT_EQ(print(seconds(-62'167'219'200)), "0000-01-01T00:00:00.000000Z");
}

TEST(Rfc3339, LastMicrosecondOfYear9999) {
  EXPECT_EQ(print(seconds(253'402'300'799), microseconds(999'999)), "9999-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, YearOfFiveDigits) {
  EXPECT_EQ(print(seconds(253'402'300'800)), "10000-01-01T00:00:00.000000Z");
}

TEST(Rfc3339, LastYearOf16Bits) {
  EXPECT_EQ(print(seconds(971'890'963'199)), "32767-12-31T23:59:59.000000Z");
}

TEST(Rfc3339, FirstYearOver16Bits) {
  EXPECT_EQ(print(seconds(971'890'963'200)), "32768-01-01T00:00:00.000000Z");
}

TEST(Rfc3339, LastTimestamp) {
  EXPECT_EQ(to_rfc3339(Timestamp::max()), "294247-01-10T04:00:54.775807Z");
}

TEST(SystemClock, NowIsTheSystemsTime) {
  const auto before = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const Timestamp now = SystemClock().now();
  const auto after = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
}

TEST(SystemClock, ElapsedNeverGoesBack) {
  const SystemClock clock;
  Duration last = clock.elapsed();
  for (int i = 0; i < 1000; ++i) {
    const Duration next = clock.elapsed();
    ASSERT_LE(last, next);
    last = next;
  }
}

}  // namespace
}  // namespace shardlog

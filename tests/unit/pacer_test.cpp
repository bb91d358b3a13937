#include "tools/stream-get/pacer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "support/manual_clock.h"

namespace shardlog::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PacerTest : public testing::Test {
 protected:
  PacerTest() { clock_.freeze(); }

  static Timestamp noon_and(Duration later) { return Timestamp(hours(12)) + later; }

  test::ManualClock clock_;
};

TEST_F(PacerTest, TheFirstRecordIsDueAtOnce) {
  EXPECT_EQ(Pacer(1, clock_).until_due(noon_and(hours(5))), Duration(0));
}

TEST_F(PacerTest, LaterRecordsKeepTheirDistanceToTheFirst) {
  Pacer pacer(1, clock_);
  EXPECT_EQ(pacer.until_due(noon_and(seconds(0))), Duration(0));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(0))), Duration(0));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(10))), seconds(10));
  clock_.let_pass(seconds(4));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(10))), seconds(6));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(11))), seconds(7));
}

TEST_F(PacerTest, TheSpeedDividesTheDistance) {
  Pacer fast(10, clock_);
  EXPECT_EQ(fast.until_due(noon_and(seconds(0))), Duration(0));
  EXPECT_EQ(fast.until_due(noon_and(seconds(1))), milliseconds(100));
  Pacer slow(0.5, clock_);
  EXPECT_EQ(slow.until_due(noon_and(seconds(0))), Duration(0));
  EXPECT_EQ(slow.until_due(noon_and(seconds(1))), seconds(2));
}

TEST_F(PacerTest, ALateRecordIsDueAtOnce) {
  Pacer pacer(1, clock_);
  EXPECT_EQ(pacer.until_due(noon_and(seconds(0))), Duration(0));
  clock_.let_pass(seconds(60));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(10))), Duration(0));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(61))), seconds(1));
}

TEST_F(PacerTest, ARecordThatArrivedBeforeTheFirstIsDueAtOnce) {
  Pacer pacer(1, clock_);
  EXPECT_EQ(pacer.until_due(noon_and(seconds(10))), Duration(0));
  EXPECT_EQ(pacer.until_due(noon_and(seconds(5))), Duration(0));
}

TEST_F(PacerTest, TheLongestTimesDoNotOverflow) {
  Pacer pacer(1e-300, clock_);
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(pacer.until_due(Timestamp(Duration(-most))), Duration(0));
  EXPECT_GT(pacer.until_due(Timestamp(Duration(most))), hours(24 * 365 * 30));
}

}  // namespace
}  // namespace shardlog::cli

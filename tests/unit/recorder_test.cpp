#include "shardlog/metrics/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "shardlog/core/error.h"
#include "support/manual_clock.h"

namespace shardlog::metrics {
namespace {

using namespace std::chrono_literals;

/// Keeps what it gets, unless it is told to be busy or to fail.
class KeptMetrics final : public Metrics {
 public:
  bool add(std::span<const Period> minutes) override {
    ++calls;
    most_at_once = std::max(most_at_once, minutes.size());
    if (failure) throw Error(*failure, "add metrics");
    if (!is_busy) kept.insert(kept.end(), minutes.begin(), minutes.end());
    return !is_busy;
  }
  std::vector<Period> history(Timestamp /*from*/, Timestamp /*until*/) override { return kept; }

  std::vector<Period> kept;
  bool is_busy = false;
  std::optional<ErrorCode> failure;
  int calls = 0;
  std::size_t most_at_once = 0;
};

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() { clock_.freeze(); }

  void measure(Duration latency = 1ms) { recorder_.at(clock_.now()).put.add(latency); }
  void pass(Duration time) {
    clock_.let_pass(time);
    clock_.step(time);
  }
  std::uint64_t kept() {
    std::uint64_t count = 0;
    for (const Period& each : metrics_.kept) count += each.measures.put.count();
    return count;
  }

  test::ManualClock clock_;
  KeptMetrics metrics_;
  Recorder recorder_{metrics_, clock_};
};

TEST_F(RecorderTest, WritesTenSecondsAfterTheFirstMeasure) {
  EXPECT_EQ(recorder_.until_due(), Duration::max());
  pass(1h);
  measure();
  pass(4s);
  measure();
  EXPECT_EQ(recorder_.until_due(), 6s);
  pass(6s - 1us);
  recorder_.write_if_due();
  EXPECT_EQ(metrics_.calls, 0);
  pass(1us);
  recorder_.write_if_due();
  EXPECT_EQ(kept(), 2U);
  EXPECT_EQ(recorder_.until_due(), Duration::max()) << "nothing is left";
  EXPECT_TRUE(recorder_.write());
  EXPECT_EQ(metrics_.calls, 1);
}

TEST_F(RecorderTest, MeasuresByTheMinute) {
  clock_.set(Timestamp(1h + 59s));
  measure();
  pass(1s);
  measure(2ms);
  recorder_.write();
  ASSERT_EQ(metrics_.kept.size(), 2U);
  EXPECT_EQ(metrics_.kept[0].start, Timestamp(1h));
  EXPECT_EQ(metrics_.kept[0].length, 1min);
  EXPECT_EQ(metrics_.kept[1].start, Timestamp(1h + 1min));
  EXPECT_EQ(metrics_.kept[1].measures.put.max(), 2ms);
}

TEST_F(RecorderTest, KeepsForLaterWhatItCannotWriteNow) {
  for (const std::optional<ErrorCode> failure :
       {std::optional<ErrorCode>(), std::optional(ErrorCode::busy), std::optional(ErrorCode::full)}) {
    metrics_ = {};
    metrics_.is_busy = !failure;
    metrics_.failure = failure;
    measure();
    EXPECT_FALSE(recorder_.write());
    EXPECT_EQ(recorder_.until_due(), failure == ErrorCode::full ? Duration(10s) : Duration(500ms))
        << "soon, and not again and again";
    metrics_.is_busy = false;
    metrics_.failure.reset();
    measure();
    EXPECT_TRUE(recorder_.write());
    EXPECT_EQ(kept(), 2U);
  }
}

TEST_F(RecorderTest, KeepsTheMinutesOfADayAtMost) {
  metrics_.is_busy = true;
  for (int minute = 0; minute < 1500; ++minute) {
    measure();
    pass(1min);
    recorder_.write_if_due();
  }
  metrics_.is_busy = false;
  metrics_.most_at_once = 0;
  recorder_.write();
  EXPECT_EQ(metrics_.most_at_once, 10U) << "in a commit, so that no writer waits for long";
  EXPECT_EQ(kept(), 1440U);
  EXPECT_TRUE(recorder_.write());
  EXPECT_EQ(kept(), 1440U) << "each once";
  EXPECT_EQ(metrics_.kept.back().start, std::chrono::floor<std::chrono::minutes>(clock_.now() - 1min));
}

TEST_F(RecorderTest, ForgetsEverythingAfterAnErrorThatStays) {
  metrics_.failure = ErrorCode::permission;
  measure();
  EXPECT_TRUE(recorder_.write());
  measure();
  EXPECT_TRUE(recorder_.write());
  EXPECT_EQ(metrics_.calls, 1) << "it is not tried again";
  EXPECT_EQ(recorder_.until_due(), Duration::max());
}

TEST_F(RecorderTest, TriesForAMomentAtTheEnd) {
  test::ManualClock running;
  Recorder recorder(metrics_, running);
  recorder.at(running.now()).put.add(1ms);
  metrics_.is_busy = true;
  recorder.write_at_end();
  EXPECT_GT(metrics_.calls, 1);
  EXPECT_EQ(kept(), 0U);
}

}  // namespace
}  // namespace shardlog::metrics

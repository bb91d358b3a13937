#pragma once

#include <atomic>

#include "shardlog/core/clock.h"

namespace shardlog::test {

/// A wall clock that stands still unless it is set. Intervals are the system's until they are frozen.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return Timestamp(Duration(now_)); }
  [[nodiscard]] Duration elapsed() const override { return frozen_ ? Duration(elapsed_) : SystemClock().elapsed(); }

  void set(Timestamp now) { now_ = now.time_since_epoch().count(); }
  void step(Duration by) { now_ += by.count(); }

  /// From now on time passes by let_pass() only.
  void freeze() {
    elapsed_ = SystemClock().elapsed().count();
    frozen_ = true;
  }
  void let_pass(Duration time) { elapsed_ += time.count(); }

 private:
  std::atomic<Duration::rep> now_ = 1'700'000'000'000'000;
  std::atomic<bool> frozen_ = false;
  std::atomic<Duration::rep> elapsed_ = 0;
};

}  // namespace shardlog::test

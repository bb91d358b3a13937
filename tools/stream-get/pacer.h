#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Replays arrivals at their recorded pace, multiplied by `speed`.
class Pacer {
 public:
  /// REQUIRES: speed > 0. `clock` must outlive it.
  Pacer(double speed, const Clock& clock) : speed_(speed), clock_(clock) {}

  /// How long until records that arrived at this time are due. The first call starts the replay: it returns 0.
  [[nodiscard]] Duration until_due(Timestamp arrived_at) {
    const Duration now = clock_.elapsed();
    if (!start_) start_ = {arrived_at, now};
    const auto microseconds = [](Timestamp time) { return static_cast<double>(time.time_since_epoch().count()); };
    constexpr double most = 1e15;  // three decades: long enough, and sums cannot overflow
    const double recorded = (microseconds(arrived_at) - microseconds(start_->arrived_at)) / speed_;
    const Duration due = start_->played_at + Duration(std::llround(std::clamp(recorded, 0.0, most)));
    return std::max(due - now, Duration(0));
  }

 private:
  struct Start {
    Timestamp arrived_at;
    Duration played_at;
  };

  double speed_;
  const Clock& clock_;
  std::optional<Start> start_;
};

}  // namespace shardlog::cli

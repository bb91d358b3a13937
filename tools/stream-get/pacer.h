#pragma once

#include <optional>
#include <stop_token>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Keeps the recorded pace of arrivals, so many times as fast.
class Pacer {
 public:
  /// REQUIRES: speed > 0. `clock` must outlive it.
  Pacer(double speed, const Clock& clock) : speed_(speed), clock_(clock) {}

  /// How long it is until the records that arrived then are due; what is asked for first is due at once.
  [[nodiscard]] Duration until_due(Timestamp arrived_at);

 private:
  struct Start {
    Timestamp arrived_at;
    Duration played_at;
  };

  double speed_;
  const Clock& clock_;
  std::optional<Start> start_;
};

/// Waits, but not longer than until `stop` is requested.
void wait_for(Duration duration, const std::stop_token& stop);

}  // namespace shardlog::cli

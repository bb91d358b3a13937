#pragma once

#include <chrono>
#include <string>

#include "shardlog/core/export.h"

namespace shardlog {

using Duration = std::chrono::microseconds;

/// Microseconds since the Unix epoch, UTC.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// All time comes through a Clock, so that a test can control it. Implementations are safe to call from any thread.
class SHARDLOG_API Clock {
 public:
  virtual ~Clock() = default;

  /// The wall clock, which may jump in both directions.
  [[nodiscard]] virtual Timestamp now() const = 0;

  /// Time since some start; never goes back. For timeouts and intervals.
  [[nodiscard]] virtual Duration elapsed() const = 0;

  /// Time since the machine was started, the same for all its processes; suspended time counts. The wall clock may jump
  /// without any effect on it. The system's, unless a test overrides it; the same goes for boot().
  [[nodiscard]] virtual Duration since_boot() const;

  /// An id of this start of the machine: since_boot() of two starts cannot be compared. Empty if it is not known.
  [[nodiscard]] virtual std::string boot() const;
};

/// The system's clocks.
class SHARDLOG_API SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
  [[nodiscard]] Duration elapsed() const override;
};

/// RFC 3339 in UTC with microseconds: 2026-01-31T23:59:59.000001Z. Years outside 0..9999 are printed as they are.
SHARDLOG_API std::string to_rfc3339(Timestamp time);

}  // namespace shardlog

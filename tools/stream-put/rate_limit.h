#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Spreads records evenly over time. For one thread.
class RateLimit {
 public:
  /// Without a rate nothing ever waits. `clock` must outlive this.
  RateLimit(std::optional<std::uint64_t> records_a_second, const Clock& clock, std::stop_token stop);

  /// So many records may go at once: those of 50 ms, but at least one.
  [[nodiscard]] std::size_t most_at_once() const;

  /// Waits until these records may go; no longer than until a stop is requested.
  void wait(std::size_t records);

 private:
  std::optional<std::uint64_t> rate_;
  const Clock& clock_;
  std::stop_token stop_;
  Duration next_{};  ///< when the records before are paid for
};

}  // namespace shardlog::cli

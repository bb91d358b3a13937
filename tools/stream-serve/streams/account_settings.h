#pragma once

#include <mutex>
#include <optional>

#include "shardlog/core/clock.h"

namespace shardlog::serve {

/// What clients set for the whole account (Kinesis API, "UpdateAccountSettings"). Streams have no place for it, so it
/// lasts as long as the server. For any number of threads.
class AccountSettings {
 public:
  /// The commitment to pay for a minimum of throughput. Nobody pays here.
  struct Commitment {
    bool enabled = false;
    std::optional<Timestamp> started_at{};
    std::optional<Timestamp> ended_at{};
  };

  [[nodiscard]] Commitment commitment() {
    const std::lock_guard guard(mutex_);
    return commitment_;
  }

  /// Returns what it is then.
  Commitment commit(bool enabled, Timestamp now) {
    const std::lock_guard guard(mutex_);
    if (enabled && !commitment_.enabled) commitment_ = {true, now};
    if (!enabled && commitment_.enabled) {
      commitment_.enabled = false;
      commitment_.ended_at = now;
    }
    return commitment_;
  }

 private:
  std::mutex mutex_;
  Commitment commitment_;  // guarded by the mutex
};

}  // namespace shardlog::serve

#pragma once

#include <algorithm>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// As poll(2) takes it: rounded up to milliseconds, at most an hour.
inline int poll_timeout(Duration duration) {
  constexpr Duration longest = std::chrono::hours(1);
  return static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(std::clamp(duration, Duration(0), longest)).count());
}

}  // namespace shardlog::cli

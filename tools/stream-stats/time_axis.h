#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// A mark on an axis of time.
struct Tick {
  double place;  ///< 0 to 1
  std::string label;
};

/// At most `most` of them, at round times in the local zone: "14:00", or "Jan 31" at a midnight. REQUIRES: from < until
std::vector<Tick> ticks_between(Timestamp from, Timestamp until, std::size_t most);

}  // namespace shardlog::cli

#pragma once

#include <variant>

#include "shardlog/core/clock.h"

namespace shardlog {

/// Where reading starts or ends (Kinesis API, "ShardIteratorType").
struct TrimHorizon {};  ///< the oldest record that is still there
struct Latest {};       ///< just after the newest record at the moment the read is set up
struct AtTime {         ///< the first record that arrived at this time or later
  Timestamp time;
};

using Position = std::variant<TrimHorizon, Latest, AtTime>;

}  // namespace shardlog

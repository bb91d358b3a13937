#pragma once

#include "shardlog/reshard/by_load.h"

namespace shardlog::reshard {

/// The merges of one decision: of neighbours whose peaks within the window add up to at most half of the target. Each
/// shard takes part in at most one merge.
Plan merges_by_load(const Situation& situation, const ScalingOptions& options, Duration window);

}  // namespace shardlog::reshard

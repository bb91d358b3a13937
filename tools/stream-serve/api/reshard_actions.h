#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// SplitShard, MergeShards, UpdateShardCount.
std::vector<Action> reshard_actions();

}  // namespace shardlog::serve::api

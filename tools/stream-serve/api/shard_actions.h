#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// ListShards.
std::vector<Action> shard_actions();

}  // namespace shardlog::serve::api

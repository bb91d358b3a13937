#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// GetShardIterator, GetRecords.
std::vector<Action> read_actions();

}  // namespace shardlog::serve::api

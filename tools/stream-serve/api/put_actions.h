#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// PutRecord, PutRecords.
std::vector<Action> put_actions();

}  // namespace shardlog::serve::api

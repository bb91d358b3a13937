#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// Resource policies, which are kept and shown.
std::vector<Action> policy_actions();

}  // namespace shardlog::serve::api

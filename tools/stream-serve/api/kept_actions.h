#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// EnableEnhancedMonitoring, DisableEnhancedMonitoring, StartStreamEncryption, StopStreamEncryption: what they set is
/// kept and shown. UpdateStreamMode, which has its effect.
std::vector<Action> kept_actions();

}  // namespace shardlog::serve::api

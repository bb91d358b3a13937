#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// EnableEnhancedMonitoring, DisableEnhancedMonitoring, StartStreamEncryption, StopStreamEncryption: what they set is
/// kept and shown. UpdateStreamMode, which has its effect, and UpdateStreamWarmThroughput, which has none.
std::vector<Action> kept_actions();

/// What the warm throughput that a request asks for changes of a stream of this mode; nothing if it asks for none.
Result<ValueChanges> warm_throughput_in(const wire::Value& input, Mode mode);

}  // namespace shardlog::serve::api

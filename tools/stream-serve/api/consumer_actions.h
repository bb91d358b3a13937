#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// RegisterStreamConsumer, DeregisterStreamConsumer, DescribeStreamConsumer, ListStreamConsumers,
/// SubscribeToShard.
std::vector<Action> consumer_actions();

}  // namespace shardlog::serve::api

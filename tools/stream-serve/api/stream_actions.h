#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// CreateStream, DeleteStream, ListStreams, DescribeStream, DescribeStreamSummary.
std::vector<Action> stream_actions();

}  // namespace shardlog::serve::api

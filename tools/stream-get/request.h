#pragma once

#include "shardlog/stream.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// What the options ask of a stream with this shard map. Throws usage where a position or a key makes no sense.
ReadRequest make_request(const GetCommand& command, const ShardMap& map, Timestamp now);

}  // namespace shardlog::cli

#pragma once

#include <string>

#include "shardlog/log/stream.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// What the options ask of a stream with this shard map. Throws usage where a position or a key makes no sense.
ReadRequest make_request(const GetCommand& command, const ShardMap& map, Timestamp now);

/// Where the command begins to read, as it is written.
std::string start_of(const GetCommand& command);

/// The position that the value of `option` is; throws usage where it is none, or a sequence number and not of one
/// shard.
Position position_of(const std::string& option, const std::string& text, bool of_one_shard, Timestamp now);

}  // namespace shardlog::cli

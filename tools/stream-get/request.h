#pragma once

#include <string>

#include "shardlog/log/stream.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// What the options ask of a stream with this shard map. Throws usage if a position or a key makes no sense.
ReadRequest make_request(const GetCommand& command, const ShardMap& map, Timestamp now);

/// The position that a read or a new consumer begins at, as it is written.
std::string written_position(const GetCommand& command);

/// The position that `text`, the value of `option`, stands for. Throws usage if it is not a position, or if it is a
/// sequence number and `of_one_shard` is false.
Position position_of(const std::string& option, const std::string& text, bool of_one_shard, Timestamp now);

/// "; did you mean 'billing'?" if another consumer of the stream has nearly this name, otherwise empty: for the message
/// about a new consumer.
std::string nearest_consumer(Stream& stream, const std::string& name);

}  // namespace shardlog::cli

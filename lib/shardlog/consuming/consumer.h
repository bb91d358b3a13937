#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Makes the consumer, to begin at `from` in every shard, unless it is there. True where it was made. Throws usage (a
/// name that is none, a sequence number: it is of one shard), and as Stream::append().
SHARDLOG_API bool make_consumer(Stream& stream, const std::string& name, const Position& from, const Clock& clock);

struct SeekOptions {
  bool make = false;   ///< the consumer, where it is not there
  bool force = false;  ///< although a live worker holds a lease that this takes away: it is fenced
};

/// Sets the checkpoints of all shards, or of one, and raises the generation. True where the consumer was made. Throws
/// not_found where it is not there, and busy where a live worker is in the way, unless the options allow it; trimmed
/// and not_found as Stream::locate(), and as Stream::append().
SHARDLOG_API bool seek_consumer(Stream& stream, const std::string& name, const Position& to,
                                const std::optional<ShardId>& shard, SeekOptions options, const Clock& clock);

/// Throws not_found, with the nearest name, where it is not there.
SHARDLOG_API Consumer find_consumer(Stream& stream, const std::string& name);

/// Removes it. Throws not_found where it is not there, busy as seek_consumer().
SHARDLOG_API void forget_consumer(Stream& stream, const std::string& name, bool force);

/// Where a consumer reads on, for who only looks: the leases' shards that are not done, each from its checkpoint.
/// Reading from there, descendants too, yields what the consumer has not done.
SHARDLOG_API std::vector<ShardStart> starts_of(const Consumer& consumer);

/// What is wrong with the leases of the stream's consumers, a line for each consumer. Maintenance::verify() looks at
/// each row by itself. Throws as the stream does.
SHARDLOG_API std::vector<std::string> check_consumers(Stream& stream);

}  // namespace shardlog::consuming

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Makes a consumer that begins at `from` in every shard. Returns false if it exists already. Throws usage (a bad name,
/// or a sequence number, which is a position in one shard), and as Stream::append().
SHARDLOG_API bool make_consumer(Stream& stream, const std::string& name, const Position& from, const Clock& clock);

struct SeekOptions {
  bool make = false;   ///< make the consumer if it does not exist
  bool force = false;  ///< take leases from live workers, which are fenced
};

/// Sets the checkpoints of all shards, or of one, and raises the generation. Returns true if it made the consumer.
/// Unless the options allow it, throws not_found if there is no such consumer, and busy if a live worker holds a lease.
/// If nothing is known about the workers that hold leases, watches first whether they stand still for as long as their
/// leases last: that takes as long.
/// Throws trimmed and not_found as Stream::locate(), and as Stream::append().
SHARDLOG_API bool seek_consumer(Stream& stream, const std::string& name, const Position& to,
                                const std::optional<ShardId>& shard, SeekOptions options, const Clock& clock);

/// Throws not_found, with the nearest name, if there is no such consumer.
SHARDLOG_API Consumer find_consumer(Stream& stream, const std::string& name);

/// Removes the consumer. Throws not_found if there is no such consumer, busy as seek_consumer().
SHARDLOG_API void forget_consumer(Stream& stream, const std::string& name, bool force);

/// Where the consumer goes on: its leases that are not done, each from its checkpoint. A read of these shards and their
/// descendants shows what the consumer has not processed, without taking a lease.
SHARDLOG_API std::vector<ShardStart> starts_of(const Consumer& consumer);

/// The faults of the consumers' leases, a line for each consumer, found by comparing leases with each other and with
/// the shard map. (Maintenance::verify() checks each alone.) Throws as the stream does.
SHARDLOG_API std::vector<std::string> check_consumers(Stream& stream);

}  // namespace shardlog::consuming

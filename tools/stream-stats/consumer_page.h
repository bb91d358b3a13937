#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/consumer_statistics.h"

/// What stream-stats shows of consumers and producers. Ages are those at `now`.
namespace shardlog::cli {

/// A table with a line for each consumer, or "no consumers".
std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now, std::size_t width);

/// All about one consumer, with a line for each shard: what changes comes first, ids come last.
std::string format_consumer(const ConsumerStatistics& consumer, Timestamp now, std::size_t width);

/// A table with a line for each producer and source, or "no producers".
std::string format_producers(const std::vector<Producer>& producers, std::size_t width);

/// JSON arrays of the same.
std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now);
std::string json_producers(const std::vector<Producer>& producers);

}  // namespace shardlog::cli

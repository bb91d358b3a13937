#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/consumer_statistics.h"

/// What stream-stats shows of consumers and producers. Ages are those at `now`.
namespace shardlog::cli {

/// A table with a line for each; says so where there is none.
std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now, std::size_t width);

/// All about one, with a line for each shard: what changes first, ids last.
std::string format_consumer(const ConsumerStatistics& consumer, Timestamp now, std::size_t width);

/// A table with a line for each place; says so where there is none.
std::string format_producers(const std::vector<Producer>& producers, std::size_t width);

/// The same as JSON arrays.
std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now);
std::string json_producers(const std::vector<Producer>& producers);

}  // namespace shardlog::cli

#pragma once

#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/stream-stats/consumer_statistics.h"

/// What stream-stats shows of consumers and producers. Ages are those at `now`.
namespace shardlog::cli {

/// A line for each, for the page: "consumer   billing: 2 workers, 17 records behind, the oldest 3s old".
std::string format_consumer_lines(const std::vector<ConsumerStatistics>& consumers, Timestamp now);

/// All about them, with a line for each shard.
std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now);

/// A line for each place; nothing where there is none.
std::string format_producers(const std::vector<Producer>& producers);

/// The same as JSON arrays.
std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now);
std::string json_producers(const std::vector<Producer>& producers);

}  // namespace shardlog::cli

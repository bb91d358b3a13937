#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "shardlog/core/shard_map.h"
#include "shardlog/metrics/measures.h"
#include "support/shards.h"
#include "tools/stream-stats/figures.h"

/// Streams to show: figures as a test wants them, without a stream.
namespace shardlog::test {

constexpr Timestamp whole_minute(std::chrono::hours(490'000));

inline metrics::Period minute_at(Timestamp start) {
  metrics::Period period;
  period.start = start;
  period.length = std::chrono::minutes(1);
  return period;
}

inline metrics::Counts counts(std::uint64_t records, std::uint64_t bytes = 0, std::uint64_t calls = 0) {
  return {records, bytes, calls};
}

/// A stream with even shards that have Kinesis' limits and hold 1,000 records of a byte each, at a whole minute.
inline cli::Figures example_figures(const std::string& name, std::uint32_t shard_count) {
  const std::vector<Shard> shards = open_shards(even_ranges(shard_count));
  StreamDescription description{"uuid", 1, whole_minute, {}, ShardMap(0, shards)};
  description.settings.limits = capacity::kinesis_limits();
  cli::Figures figures{name, {description, {}}, whole_minute};
  for (const Shard& each : shards) figures.statistics.shards.push_back({each, 1000, 1000});
  figures.arrivals.shards.resize(shards.size());
  return figures;
}

/// A consumer that is behind, with one worker.
inline cli::ConsumerFigures behind(const std::string& name, std::uint64_t backlog, Duration age,
                                   std::optional<double> trend = {}) {
  cli::ConsumerFigures figures;
  figures.statistics.consumer.name = name;
  figures.statistics.consumer.uuid = "uuid of " + name;
  figures.statistics.workers = 1;
  figures.statistics.backlog = backlog;
  if (backlog > 0) figures.statistics.oldest = whole_minute - age;
  figures.statistics.trend = trend;
  return figures;
}

}  // namespace shardlog::test

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"
#include "shardlog/core/shard.h"
#include "shardlog/metrics/histogram.h"

/// What is measured of a stream, minute by minute.
namespace shardlog::metrics {

struct SHARDLOG_API Counts {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< data and keys
  std::uint64_t calls = 0;  ///< appends that stored something, or reads that returned something

  Counts& operator+=(const Counts& other);
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct SHARDLOG_API ShardCounts {
  Counts in;               ///< exact; only Metrics::history() fills it in
  Counts out;              ///< to all readers
  Counts throttled;        ///< had to wait for capacity, or were refused for lack of it; a record counts once
  Counts dropped;          ///< by a writer, instead of waiting for capacity: these are among the throttled ones
  Counts reads_throttled;  ///< read requests that had to wait for capacity: only their calls are counted

  ShardCounts& operator+=(const ShardCounts& other);
  friend bool operator==(const ShardCounts&, const ShardCounts&) = default;
};

/// Of one consumer, or of all readers without a consumer.
struct SHARDLOG_API ReaderMeasures {
  Counts out;
  Counts throttled;             ///< as ShardCounts::reads_throttled
  Histogram read;               ///< "consumer latency": how long each read request took that returned something
  Histogram propagation;        ///< of each record, arrival to read; only while the reader is at the tail
  Histogram age;                ///< of each record, arrival to read
  std::uint64_t skewed = 0;     ///< records whose arrival was after their read, by the clocks; they count as 0 above
  std::uint64_t processed = 0;  ///< records that checkpoints have passed; what is read and fails does not count

  ReaderMeasures& operator+=(const ReaderMeasures& other);
  friend bool operator==(const ReaderMeasures&, const ReaderMeasures&) = default;
};

/// Never the product of shards, consumers and lengths of time: 1,000 shards and 10 consumers fit into 64 KiB.
struct SHARDLOG_API Measures {
  std::map<ShardId, ShardCounts> shards;
  Histogram put;  ///< "producer latency": of each record, from when its writer had read it until it was durable
  std::map<std::string, ReaderMeasures> readers;  ///< by the UUID of the consumer; "": readers without a consumer

  [[nodiscard]] bool empty() const { return shards.empty() && put.empty() && readers.empty(); }

  Measures& operator+=(const Measures& other);

  /// Whether it has no more shards and readers than decode() takes: each takes memory, even if it counts little.
  [[nodiscard]] bool is_storable() const;

  /// As it is stored, without shards that have nothing. REQUIRES: is_storable()
  [[nodiscard]] std::string encode() const;
  /// Throws corrupt.
  static Measures decode(std::string_view data);

  friend bool operator==(const Measures&, const Measures&) = default;
};

/// What was measured in a span of time.
struct Period {
  Timestamp start;
  Duration length;  ///< a minute, or an hour for what is older than a day
  Measures measures;
  bool is_damaged = false;  ///< some of what was measured cannot be read, and is missing
};

}  // namespace shardlog::metrics

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"
#include "shardlog/metrics/histogram.h"

/// What is measured of a stream, minute by minute.
namespace shardlog::metrics {

struct Counts {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< data and keys
  std::uint64_t calls = 0;  ///< appends that stored something, or reads that returned something

  Counts& operator+=(const Counts& other);
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct ShardCounts {
  Counts in;                ///< Metrics::history() only; exact
  Counts out;               ///< to all that read
  Counts throttled;         ///< had to wait for capacity, or were refused for the want of it; a record counts once
  Counts dropped;           ///< by what a writer does when it is throttled
  Counts reads_throttled;   ///< read requests that had to wait for capacity

  ShardCounts& operator+=(const ShardCounts& other);
  friend bool operator==(const ShardCounts&, const ShardCounts&) = default;
};

/// Of one consumer, or of all readers that are none.
struct ReaderMeasures {
  Counts out;
  Counts throttled;
  Histogram read;         ///< "consumer latency": how long a read request took, waiting for records not counted
  Histogram propagation;  ///< a record's arrival to the read that returned it, once the reader had reached the tail
  Histogram age;          ///< a record's arrival to the read that returned it, always
  std::uint64_t skewed = 0;  ///< records that a clock said were read before they arrived; they count as 0 above

  ReaderMeasures& operator+=(const ReaderMeasures& other);
  friend bool operator==(const ReaderMeasures&, const ReaderMeasures&) = default;
};

/// Never the product of shards, consumers and lengths of time: 1,000 shards and 10 consumers fit into 64 KiB.
struct Measures {
  std::map<ShardId, ShardCounts> shards;
  Histogram put;  ///< "producer latency": a record read by its writer to its being durable
  std::map<std::string, ReaderMeasures> readers;  ///< by the UUID of the consumer; empty: readers that are no consumer

  Measures& operator+=(const Measures& other);
  friend bool operator==(const Measures&, const Measures&) = default;
};

/// What was measured in a span of time.
struct Period {
  Timestamp start;
  Duration length;  ///< a minute, or an hour for what is older than a day
  Measures measures;
};

}  // namespace shardlog::metrics

#pragma once

#include <algorithm>
#include <cstdint>

#include "shardlog/capacity/limits.h"

/// How many shards and machines a load needs.
namespace shardlog::capacity {

struct Demand {
  double records = 0;         ///< written per second
  double bytes = 0;           ///< of those, data and keys
  std::uint64_t readers = 1;  ///< each of which reads all that is written
};

/// How many shards a demand needs, for each of the limits by itself. 0 without that limit.
struct ShardsNeeded {
  std::uint64_t for_records = 0;
  std::uint64_t for_bytes = 0;
  std::uint64_t for_readers = 0;

  /// For all limits together. May be more shards than a stream can have (max_shards).
  [[nodiscard]] std::uint64_t total() const {
    return std::max({std::uint64_t{1}, for_records, for_bytes, for_readers});
  }

  /// The same, if many small records are put into one large one, as Kinesis' Producer Library does.
  [[nodiscard]] std::uint64_t aggregated() const { return std::max({std::uint64_t{1}, for_bytes, for_readers}); }

  friend bool operator==(const ShardsNeeded&, const ShardsNeeded&) = default;
};

/// The shards that a demand needs if they are used to the full. To leave room for peaks, pass a larger demand. (Kinesis
/// Data Streams developer guide, "Choose the data stream capacity mode".)
ShardsNeeded shards_for(const Demand& demand, const Limits& limits);

/// What one machine stores a second. 0: it does not matter.
struct MachineRate {
  double records = 0;
  double bytes = 0;
};

/// How many machines a demand needs if each is used to 70 % of its rate; at least 1.
std::uint64_t machines_for(const Demand& demand, const MachineRate& machine);

}  // namespace shardlog::capacity

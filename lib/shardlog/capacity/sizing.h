#pragma once

#include <algorithm>
#include <cstdint>

#include "shardlog/capacity/limits.h"

/// How much is needed for a load.
namespace shardlog::capacity {

struct Demand {
  double records = 0;         ///< written a second
  double bytes = 0;           ///< of those, data and keys
  std::uint64_t readers = 1;  ///< each of which reads all that is written
};

/// How many shards a demand needs, for each of the limits by itself. 0 without that limit.
struct ShardsNeeded {
  std::uint64_t for_records = 0;
  std::uint64_t for_bytes = 0;
  std::uint64_t for_readers = 0;

  /// For all of it. It may be more than a stream can have (max_shards).
  [[nodiscard]] std::uint64_t total() const {
    return std::max({std::uint64_t{1}, for_records, for_bytes, for_readers});
  }

  /// Where many small records are put into one large one, as Kinesis' Producer Library does.
  [[nodiscard]] std::uint64_t aggregated() const { return std::max({std::uint64_t{1}, for_bytes, for_readers}); }

  friend bool operator==(const ShardsNeeded&, const ShardsNeeded&) = default;
};

/// Shards that are used to the full: leave room for peaks by a larger demand. (Kinesis Data Streams developer guide,
/// "Choose the data stream capacity mode".)
ShardsNeeded shards_for(const Demand& demand, const Limits& limits);

/// What one machine stores a second. 0: it does not matter.
struct MachineRate {
  double records = 0;
  double bytes = 0;
};

/// Machines that are used to 70 % of what they store, at least 1.
std::uint64_t machines_for(const Demand& demand, const MachineRate& machine);

}  // namespace shardlog::capacity

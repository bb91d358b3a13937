#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/log/records.h"

namespace shardlog::producing {

/// Where a record is among what was packed.
struct Place {
  static constexpr std::uint32_t not_packed = UINT32_MAX;

  std::uint32_t batch;  ///< of Packed::batches; not_packed: the caller left it out
  std::uint32_t index;  ///< in that batch; for whom left it out it may mean anything

  friend bool operator==(const Place&, const Place&) = default;
};

/// Records on their way into a stream: routed, encoded, checksummed.
struct Packed {
  std::vector<RoutedBatch> batches;
  std::vector<std::size_t> runs;  ///< which of them are runs of records without a key, for any shard
  std::vector<Place> places;      ///< of each record in the order of the input; only where they are asked for

  /// Adds what comes after it.
  void append(Packed next);

  /// Gives the runs their shards.
  void deal(Router& router);
};

}  // namespace shardlog::producing

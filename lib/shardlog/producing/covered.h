#pragma once

#include <cstdint>
#include <map>

#include "shardlog/capacity/bucket.h"
#include "shardlog/producing/packer.h"

namespace shardlog::producing {

/// What was paid for the records of a shard, and the index that the places of those get that it does not cover.
struct Cover {
  capacity::Seconds paid{};
  std::uint32_t index = 0;
};

/// Takes out the records of these shards that are not covered: the first ones of each shard stay. The places of the
/// others are not packed. REQUIRES: the runs were dealt
void keep_covered(Packed& packed, const std::map<ShardId, Cover>& covers, const capacity::Price& price);

}  // namespace shardlog::producing

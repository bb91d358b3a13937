#pragma once

#include <cstdint>

#include "shardlog/log/stream.h"
#include "shardlog/reshard/by_load.h"

/// Scaling a stream by its load: measures what its shards carry, and decides by the rules of reshard/by_load.h. The
/// caller applies the plan, with remember() in the commit of its first step. A plan can only be applied to the shards
/// that it was made for. So if several processes decide at once, the first wins, and the others have to decide again:
/// they then find a decision that is not 15 minutes old.
namespace shardlog::scaling {

struct Bounds {
  double target = reshard::ScalingOptions{}.target;  ///< the part of its capacity that a shard may carry for long
  std::uint32_t least = 1;                           ///< open shards
  std::uint32_t most = max_shards;
  bool merges = true;  ///< whether to look for shards to merge, which takes long: see measure()
};

/// What a shard of this stream takes in a second: by its limits of writing, 0 for one that is absent; what a shard of
/// Kinesis takes if both are.
reshard::Load capacity_of(const StreamDescription& described);

/// Changes nothing. Throws usage if the engine does not count exactly, and as measure() and last_decision().
reshard::Decision decide(Stream& stream, const StreamDescription& described, const Bounds& bounds, Timestamp now);

}  // namespace shardlog::scaling

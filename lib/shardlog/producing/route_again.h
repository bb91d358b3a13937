#pragma once

#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/producing/packed.h"

namespace shardlog::producing {

/// What became of records that were routed again.
struct Rerouted {
  Packed packed;
  std::vector<std::size_t> origins;  ///< of each batch: which it was, or was part of, before
};

/// Routes those of the batches that are Sealed by the shard map that the router has: batches of shards that are still
/// open stay as they are, and runs stay whole but are dealt out anew. REQUIRES: the map knows all their shards
Rerouted route_again(Packed packed, const std::vector<Outcome>& outcomes, Router& router);

}  // namespace shardlog::producing

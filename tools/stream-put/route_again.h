#pragma once

#include "shardlog/core/router.h"
#include "tools/stream-put/encoded.h"

namespace shardlog::cli {

/// Routes again what was routed by an older shard map than the router's: every batch of a shard that is closed by now
/// goes to the shards that took over from it, its records in their order. Batches of open shards stay as they are, and
/// so do runs of records without a key, which are to be dealt again. All keep the arrival they asked for. Such records
/// of a stream's only shard, among which there are no runs, become runs.
Encoded route_again(Encoded encoded, Router& router);

}  // namespace shardlog::cli

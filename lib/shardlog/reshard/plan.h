#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/core/hash_key.h"
#include "shardlog/core/shard.h"
#include "shardlog/core/shard_map.h"

/// Plans of how to change a shard map: pure functions, which a program can show before it applies them.
///
///     split 1 at h:   [---0---][---1---]        merge 0 and 1:   [---0---][---1---]
///                     [---0---][-2-][-3-]                        [--------2-------]
///
/// Parents close and children take over their part of the key space; nothing that is stored moves.
namespace shardlog::reshard {

/// How much a shard holds, for the figures of a plan.
struct Load {
  double records = 0;
  double bytes = 0;
};
using Loads = std::map<ShardId, Load>;

inline Load operator+(const Load& one, const Load& other) {
  return {one.records + other.records, one.bytes + other.bytes};
}

/// A step of a plan, and how much load goes to other shards from then on.
struct PlannedStep {
  ReshardStep step;
  Load moved;  ///< the load of the parents; that of a parent made by the plan itself is estimated by its range's width
};

using Plan = std::vector<PlannedStep>;

/// Without the loads.
SHARDLOG_API std::vector<ReshardStep> steps_of(const Plan& plan);

/// Splits an open shard at `at`, the first hash key of the second child, or in the middle. Throws not_found (no such
/// shard) and usage (closed, or `at` is outside the range, or is its first key); each message says what would work.
SHARDLOG_API Plan split(const ShardMap& map, ShardId shard, std::optional<HashKey> at, const Loads& loads);

/// Merges two open shards whose ranges are adjacent, in either order. Throws as split().
SHARDLOG_API Plan merge(const ShardMap& map, ShardId one, ShardId other, const Loads& loads);

/// Gives the open shards the ranges that a new stream of `count` shards has. The plan takes these ranges in turn, from
/// left to right. It merges a shard that is too small with its right neighbour, and splits a shard that reaches beyond
/// the end of the range there. That takes one split for each new boundary and one merge for each boundary to remove.
/// Throws usage unless count is 1 to max_shards.
SHARDLOG_API Plan scale(const ShardMap& map, std::uint32_t count, const Loads& loads);

}  // namespace shardlog::reshard

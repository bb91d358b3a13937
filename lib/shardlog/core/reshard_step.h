#pragma once

#include <optional>
#include <span>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

/// A change of a shard map that is applied whole or not at all: parents close, and children take over their key space.
///
///     split:  [------0------]     merge:  [--0--][--1--]
///             [--1--][---2--]             [-----2------]
struct ReshardStep {
  struct Child {
    ShardId id;
    HashRange range;
    ShardId parent;
    std::optional<ShardId> adjacent_parent{};

    friend bool operator==(const Child&, const Child&) = default;
  };

  std::vector<ShardId> closes;  ///< the parents
  std::vector<Child> opens;

  friend bool operator==(const ReshardStep&, const ReshardStep&) = default;
};

/// The children of `step` as shards that open at `now`. `parents` are the shards it closes, `next` is the id that its
/// first child is to have. Throws usage where a parent is closed, an id is another, or the children do not cover
/// exactly the parents' key space.
SHARDLOG_API std::vector<Shard> children_of(const ReshardStep& step, std::span<const Shard> parents, ShardId next,
                                            Timestamp now);

/// The map after `step`, one version on. Throws as children_of().
SHARDLOG_API ShardMap apply(const ShardMap& map, const ReshardStep& step, Timestamp now);

/// The id that the next new shard gets: ids count up and are never used again.
SHARDLOG_API ShardId next_shard_id(const ShardMap& map);

}  // namespace shardlog

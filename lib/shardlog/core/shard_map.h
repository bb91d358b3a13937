#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/core/hash_key.h"
#include "shardlog/core/shard.h"

namespace shardlog {

/// The ranges of a new stream of `count` shards: floor(2^128 / count) keys each, the last one up to 2^128-1.
/// REQUIRES: 1 <= count <= max_shards
SHARDLOG_API std::vector<HashRange> even_ranges(std::uint32_t count);

/// All shards of a stream, open and closed, at one moment. The open ones tile the key space.
class SHARDLOG_API ShardMap {
 public:
  /// Maps of one version are equal. Every change of the map raises it, and an engine may raise it for other reasons.
  /// Records that were routed by an older version may have to be routed again.
  using Version = std::uint64_t;

  /// Throws corrupt if ids repeat or the open shards do not tile the key space.
  ShardMap(Version version, std::vector<Shard> shards);

  [[nodiscard]] Version version() const { return version_; }

  /// In the order of their ids.
  [[nodiscard]] const std::vector<Shard>& shards() const { return shards_; }

  /// The open shards in the order of their ranges.
  [[nodiscard]] const std::vector<ShardId>& open_shards() const { return open_; }

  /// Throws not_found, with the range of ids that exist.
  [[nodiscard]] const Shard& at(ShardId id) const;

  /// Nullptr if there is no such shard.
  [[nodiscard]] const Shard* find(ShardId id) const;

  /// The shards that took over from a closed one, in the order of their ids.
  [[nodiscard]] std::vector<Shard> children_of(ShardId id) const;

  /// The index in open_shards() of the shard whose range holds `key`.
  [[nodiscard]] std::size_t open_index_of(HashKey key) const;

 private:
  Version version_;
  std::vector<Shard> shards_;
  std::vector<ShardId> open_;
  std::vector<HashKey> starts_;                            // of open_, for the search
  std::vector<std::pair<ShardId, std::size_t>> children_;  // a parent, and the index of its child in shards_; sorted
};

/// Throws corrupt unless splits and merges can have made the map: ids count up from 0, the shards without parents tile
/// the key space, every other shard took over keys of closed shards with lower ids, and every key of a closed shard was
/// taken over. So a walk along parents or children ends, and misses no key.
SHARDLOG_API void check_lineage(const ShardMap& map);

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

/// The children of `step` as shards that open at `now`. `parents` are the shards that it closes; its first child must
/// have the id `next`. Throws usage if a parent is closed, an id is out of order, or the children do not cover exactly
/// the parents' key space.
SHARDLOG_API std::vector<Shard> children_of(const ReshardStep& step, std::span<const Shard> parents, ShardId next,
                                            Timestamp now);

/// The map after `step`, one version on. Throws as children_of().
SHARDLOG_API ShardMap apply(const ShardMap& map, const ReshardStep& step, Timestamp now);

/// The id of the next new shard: ids count up and are never used again.
SHARDLOG_API ShardId next_shard_id(const ShardMap& map);

}  // namespace shardlog

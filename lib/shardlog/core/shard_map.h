#pragma once

#include <cstddef>
#include <cstdint>
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
  /// Raised by every change of the map; what was routed by an older version may have to be routed again.
  using Version = std::uint64_t;

  /// Throws corrupt where ids repeat or the open shards do not tile the key space.
  ShardMap(Version version, std::vector<Shard> shards);

  [[nodiscard]] Version version() const { return version_; }

  /// In the order of their ids.
  [[nodiscard]] const std::vector<Shard>& shards() const { return shards_; }

  /// The open ones in the order of their ranges.
  [[nodiscard]] const std::vector<ShardId>& open_shards() const { return open_; }

  /// Throws not_found, with the shards that there are.
  [[nodiscard]] const Shard& at(ShardId id) const;

  /// Nullptr where there is no such shard.
  [[nodiscard]] const Shard* find(ShardId id) const;

  /// The shards that took over from a closed one, in the order of their ids.
  [[nodiscard]] std::vector<Shard> children_of(ShardId id) const;

  /// Where in open_shards() the shard stands whose range holds `key`.
  [[nodiscard]] std::size_t open_index_of(HashKey key) const;

 private:
  Version version_;
  std::vector<Shard> shards_;
  std::vector<ShardId> open_;
  std::vector<HashKey> starts_;                            // of open_, for the search
  std::vector<std::pair<ShardId, std::size_t>> children_;  // parent, and where in shards_ its child stands; sorted
};

/// Throws corrupt unless the shards can have come about by splits and merges: ids count up from 0, the shards without
/// parents tile the key space, and each other one took over keys of closed shards with lower ids, which were all taken
/// over. So whoever follows parents or children comes to an end, and to every key.
SHARDLOG_API void check_lineage(const ShardMap& map);

}  // namespace shardlog

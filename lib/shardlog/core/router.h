#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

/// Chooses the shard of each record of one producer. Not safe for use by several threads at once.
class Router {
 public:
  /// `turn` decides which shard gets the first run of records without a key. Pass a number that differs from one
  /// producer to the next (the number of the last batch), so that many short-lived producers do not all load the first
  /// shard.
  Router(ShardMap map, std::uint64_t turn);

  [[nodiscard]] const ShardMap& map() const { return map_; }

  /// The index in map().open_shards() of the shard for this key. Remembers the keys it has seen.
  std::size_t index_of(std::string_view key);
  [[nodiscard]] std::size_t index_of(HashKey key) const { return map_.open_index_of(key); }

  /// Deals out a run of records without a key, of `size` bytes. Returns the index in map().open_shards() of the shard
  /// that has been dealt least; shards that have been dealt the same take turns. So no two of them differ by more than
  /// a run.
  std::size_t deal(std::uint64_t size);

  /// Deals more to the shard with this index.
  void deal_to(std::size_t index, std::uint64_t size) { dealt_[index] += size; }

 private:
  struct TransparentHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };

  ShardMap map_;
  std::vector<std::uint64_t> dealt_;  ///< bytes, by index in the map's open_shards()
  std::size_t turn_;                  ///< the index that comes first among equals
  std::unordered_map<std::string, std::size_t, TransparentHash, std::equal_to<>> seen_;
};

}  // namespace shardlog

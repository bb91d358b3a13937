#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

/// Chooses the shard of each record of one producer. Not safe for use by several threads at once.
class Router {
 public:
  /// Records without a key go to one open shard per batch, in turn; `turn` says where that begins. Pass what differs
  /// from run to run (the number of the last batch), so that many short runs do not all load the first shard.
  Router(ShardMap map, std::uint64_t turn);

  [[nodiscard]] const ShardMap& map() const { return map_; }

  /// The place in map().open_shards() of a record with this key. Remembers the keys it has seen.
  std::size_t index_of(std::string_view key);
  [[nodiscard]] std::size_t index_of(HashKey key) const { return map_.open_index_of(key); }

  /// Goes on with that turn.
  void turn_to(std::uint64_t turn) { turn_ = turn; }

  /// The place in map().open_shards() for the next batch of records without a key.
  std::size_t next_keyless();

 private:
  struct TransparentHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };

  ShardMap map_;
  std::uint64_t turn_;
  std::unordered_map<std::string, std::size_t, TransparentHash, std::equal_to<>> seen_;
};

}  // namespace shardlog

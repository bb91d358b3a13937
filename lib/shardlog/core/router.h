#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

/// Remembers a number for each of many keys, within a bound of memory: when that is reached, it forgets them all. It is
/// asked for every record, and between two questions all of the records pass through the processor's cache. So it is
/// small and has no chains: a question touches one slot, and the key if it is there.
class KeyMemory {
 public:
  [[nodiscard]] std::optional<std::size_t> find(std::string_view key) const;

  /// REQUIRES: find() does not find it
  void add(std::string_view key, std::size_t number);

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t place = 0;  ///< one more than where its key begins in `keys_`; 0: the slot is free
  };

  [[nodiscard]] std::string_view key_at(const Slot& slot) const;
  [[nodiscard]] std::size_t slot_for(std::uint64_t hash, std::string_view key) const;
  void make_room(std::size_t key_size);

  std::string keys_;         ///< of each: its number and its size, of four bytes each, and the key
  std::vector<Slot> slots_;  ///< a power of two, at least a quarter of them free; none before the first key
  std::size_t used_ = 0;
};

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
  ShardMap map_;
  std::vector<std::uint64_t> dealt_;  ///< bytes, by index in the map's open_shards()
  std::size_t turn_;                  ///< the index that comes first among equals
  KeyMemory seen_;
};

}  // namespace shardlog

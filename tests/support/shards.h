#pragma once

#include <cstdint>
#include <vector>

#include "shardlog/core/shard.h"
#include "shardlog/core/shard_map.h"

namespace shardlog::test {

inline constexpr HashRange all_keys{HashKey(0), max_hash_key};

inline Shard open_shard(std::uint32_t number, HashRange range) {
  return {ShardId(number), range, Timestamp()};
}

inline Shard closed_shard(std::uint32_t number, HashRange range) {
  return {ShardId(number), range, Timestamp(), Timestamp() + Duration(1)};
}

/// Open shards with these ranges, numbered from 0.
inline std::vector<Shard> open_shards(const std::vector<HashRange>& ranges) {
  std::vector<Shard> shards;
  for (const HashRange& range : ranges) shards.push_back(open_shard(static_cast<std::uint32_t>(shards.size()), range));
  return shards;
}

/// Open shards that share the key space evenly.
inline ShardMap even_map(std::uint32_t count) {
  return {1, open_shards(even_ranges(count))};
}

}  // namespace shardlog::test

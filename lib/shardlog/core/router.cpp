#include "shardlog/core/router.h"

#include <xxhash.h>

#include <utility>

namespace shardlog {

namespace {
constexpr std::size_t most_remembered = 1UL << 15;  // some 4 MiB with the longest usual keys
}

std::size_t Router::TransparentHash::operator()(std::string_view text) const {
  return XXH3_64bits(text.data(), text.size());
}

Router::Router(ShardMap map, std::uint64_t turn) : map_(std::move(map)), turn_(turn) {}

std::size_t Router::index_of(std::string_view key) {
  if (const auto found = seen_.find(key); found != seen_.end()) return found->second;
  const std::size_t index = map_.open_index_of(HashKey::of(key));
  if (seen_.size() == most_remembered) seen_.clear();
  seen_.emplace(key, index);
  return index;
}

std::size_t Router::next_keyless() {
  return static_cast<std::size_t>(turn_++ % map_.open_shards().size());
}

}  // namespace shardlog

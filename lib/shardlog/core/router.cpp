#include "shardlog/core/router.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace shardlog {

namespace {
constexpr std::size_t most_remembered = 1UL << 15;  // some 4 MiB with the longest usual keys
}

std::size_t Router::TransparentHash::operator()(std::string_view text) const {
  return XXH3_64bits(text.data(), text.size());
}

Router::Router(ShardMap map, std::uint64_t turn)
    : map_(std::move(map)), dealt_(map_.open_shards().size()), turn_(static_cast<std::size_t>(turn % dealt_.size())) {}

std::size_t Router::index_of(std::string_view key) {
  if (const auto found = seen_.find(key); found != seen_.end()) return found->second;
  const std::size_t index = map_.open_index_of(HashKey::of(key));
  if (seen_.size() == most_remembered) seen_.clear();
  seen_.emplace(key, index);
  return index;
}

std::size_t Router::deal(std::uint64_t size) {
  const auto turn = dealt_.begin() + static_cast<std::ptrdiff_t>(turn_);
  auto least = std::min_element(turn, dealt_.end());
  const auto least_before = std::min_element(dealt_.begin(), turn);
  if (least_before != turn && *least_before < *least) least = least_before;
  *least += size;
  const auto index = static_cast<std::size_t>(least - dealt_.begin());
  turn_ = (index + 1) % dealt_.size();
  return index;
}

}  // namespace shardlog

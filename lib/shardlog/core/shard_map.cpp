#include "shardlog/core/shard_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "shardlog/core/error.h"

namespace shardlog {

std::vector<HashRange> even_ranges(std::uint32_t count) {
  // floor(2^128 / count) without 2^128, which does not fit: 2^128 = max + 1.
  const HashKey::Value max = max_hash_key.value();
  const HashKey::Value step = max / count + (max % count == count - 1 ? 1 : 0);
  std::vector<HashRange> ranges;
  ranges.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    ranges.push_back({HashKey(step * i), last ? max_hash_key : HashKey(step * (i + 1) - 1)});
  }
  return ranges;
}

ShardMap::ShardMap(Version version, std::vector<Shard> shards) : version_(version), shards_(std::move(shards)) {
  const auto by_id = [](const Shard& a, const Shard& b) { return a.id < b.id; };
  std::sort(shards_.begin(), shards_.end(), by_id);
  const auto same_id = [](const Shard& a, const Shard& b) { return a.id == b.id; };
  if (std::adjacent_find(shards_.begin(), shards_.end(), same_id) != shards_.end()) {
    throw Error(ErrorCode::corrupt, "shard map: a shard id occurs twice");
  }

  for (std::size_t place = 0; place < shards_.size(); ++place) {
    if (shards_[place].parent) children_.emplace_back(*shards_[place].parent, place);
    if (shards_[place].adjacent_parent) children_.emplace_back(*shards_[place].adjacent_parent, place);
  }
  std::sort(children_.begin(), children_.end());

  std::vector<const Shard*> open;
  for (const Shard& shard : shards_) {
    if (shard.open()) open.push_back(&shard);
  }
  std::sort(open.begin(), open.end(), [](const Shard* a, const Shard* b) { return a->range.first < b->range.first; });

  HashKey::Value next = 0;
  bool complete = false;
  for (const Shard* shard : open) {
    const bool fits = !complete && shard->range.first.value() == next && shard->range.first <= shard->range.last;
    if (!fits) {
      throw Error(
          ErrorCode::corrupt,
          fmt::format("shard map: the range of {} overlaps another or leaves a hole before it", shard->id.to_string()));
    }
    complete = shard->range.last == max_hash_key;
    next = shard->range.last.value() + 1;
    open_.push_back(shard->id);
    starts_.push_back(shard->range.first);
  }
  if (!complete) throw Error(ErrorCode::corrupt, "shard map: the open shards do not reach the end of the key space");
}

const Shard& ShardMap::at(ShardId id) const {
  if (const Shard* const shard = find(id)) return *shard;
  const std::uint32_t first = shards_.front().id.number();
  const std::uint32_t last = shards_.back().id.number();
  const std::string there =
      first == last ? fmt::format("shard {} only", first) : fmt::format("shards {} to {}", first, last);
  throw Error(ErrorCode::not_found, fmt::format("{}: no such shard; the stream has {}", id.to_string(), there));
}

const Shard* ShardMap::find(ShardId id) const {
  const auto found = std::lower_bound(shards_.begin(), shards_.end(), id,
                                      [](const Shard& shard, ShardId key) { return shard.id < key; });
  return found != shards_.end() && found->id == id ? &*found : nullptr;
}

std::vector<Shard> ShardMap::children_of(ShardId id) const {
  std::vector<Shard> children;
  auto link = std::lower_bound(children_.begin(), children_.end(), std::pair(id, std::size_t{0}));
  for (; link != children_.end() && link->first == id; ++link) children.push_back(shards_[link->second]);
  return children;
}

std::size_t ShardMap::open_index_of(HashKey key) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), key);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

}  // namespace shardlog

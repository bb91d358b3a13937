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

  for (std::size_t i = 0; i < shards_.size(); ++i) {
    for (const ShardId parent : shards_[i].parents()) children_.emplace_back(parent, i);
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

namespace {

bool starts_before(const HashRange& a, const HashRange& b) {
  return a.first < b.first;
}

/// Whether the ranges, as far as they lie within `whole`, cover it without a hole or an overlap.
bool tile(const HashRange& whole, std::vector<HashRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), starts_before);
  HashKey next = whole.first;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (std::max(ranges[i].first, whole.first) != next || ranges[i].last < next) return false;
    if (ranges[i].last >= whole.last) return i + 1 == ranges.size();
    next = HashKey(ranges[i].last.value() + 1);
  }
  return false;
}

/// The one range that `ranges`, in any order, make up; nullopt if they leave a hole or overlap.
std::optional<HashRange> join(std::vector<HashRange> ranges) {
  if (ranges.empty()) return std::nullopt;
  std::sort(ranges.begin(), ranges.end(), starts_before);
  const HashRange whole{ranges.front().first, ranges.back().last};
  return tile(whole, std::move(ranges)) ? std::optional(whole) : std::nullopt;
}

[[noreturn]] void refuse(const Shard& shard, const char* reason) {
  throw Error(ErrorCode::corrupt, fmt::format("shard map: {} {}", shard.id.to_string(), reason));
}

void check_parents(const ShardMap& map, const Shard& shard) {
  std::vector<HashRange> ranges;
  for (const ShardId id : shard.parents()) {
    if (id >= shard.id) refuse(shard, "has a parent that does not come before it");
    const Shard& parent = *map.find(id);
    if (parent.open()) refuse(shard, "has a parent that is open");
    ranges.push_back(parent.range);
  }
  const auto joined = join(std::move(ranges));
  const bool within = joined && joined->contains(shard.range.first) && joined->contains(shard.range.last);
  if (!within) refuse(shard, "has keys that its parents did not have");
}

}  // namespace

void check_lineage(const ShardMap& map) {
  std::vector<HashRange> first_ranges;
  std::uint32_t number = 0;
  for (const Shard& shard : map.shards()) {
    if (shard.id.number() != number++) refuse(shard, "follows a missing shard");
    if (shard.range.last < shard.range.first) refuse(shard, "has a hash range that ends before it begins");
    if (shard.closed_at && *shard.closed_at < shard.opened_at) refuse(shard, "closed before it opened");
    if (shard.parent) {
      check_parents(map, shard);
    } else {
      if (shard.adjacent_parent) refuse(shard, "has a second parent and no first");
      first_ranges.push_back(shard.range);
    }
  }
  if (!tile({HashKey(0), max_hash_key}, first_ranges))
    refuse(map.shards().front(), "and the other first shards do not tile the key space");
  for (const Shard& shard : map.shards()) {
    if (shard.open()) continue;
    std::vector<HashRange> taken_over;
    for (const Shard& child : map.children_of(shard.id)) taken_over.push_back(child.range);
    if (!tile(shard.range, std::move(taken_over))) refuse(shard, "has children that did not take over all of its keys");
  }
}

std::size_t ShardMap::open_index_of(HashKey key) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), key);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

std::vector<Shard> children_of(const ReshardStep& step, std::span<const Shard> parents, ShardId next, Timestamp now) {
  std::vector<HashRange> closing;
  for (const Shard& parent : parents) {
    if (!parent.open()) throw Error(ErrorCode::usage, parent.id.to_string() + " is closed");
    closing.push_back(parent.range);
  }
  std::vector<HashRange> opening;
  std::vector<Shard> children;
  for (const ReshardStep::Child& child : step.opens) {
    if (child.id != next) throw Error(ErrorCode::usage, child.id.to_string() + " is not the next shard");
    next = ShardId(next.number() + 1);
    opening.push_back(child.range);
    children.push_back({child.id, child.range, now, std::nullopt, child.parent, child.adjacent_parent});
  }
  const std::optional<HashRange> before = join(std::move(closing));
  if (!before || before != join(std::move(opening))) {
    throw Error(ErrorCode::usage, "the children do not cover exactly the key space of their parents");
  }
  return children;
}

ShardMap apply(const ShardMap& map, const ReshardStep& step, Timestamp now) {
  std::vector<Shard> shards = map.shards();
  std::vector<Shard> parents;
  for (const ShardId id : step.closes) {
    const auto found = std::find_if(shards.begin(), shards.end(), [id](const Shard& shard) { return shard.id == id; });
    if (found == shards.end()) throw Error(ErrorCode::usage, "there is no " + id.to_string());
    parents.push_back(*found);
    found->closed_at = now;
  }
  const std::vector<Shard> children = children_of(step, parents, next_shard_id(map), now);
  shards.insert(shards.end(), children.begin(), children.end());
  return {map.version() + 1, std::move(shards)};
}

ShardId next_shard_id(const ShardMap& map) {
  return ShardId(map.shards().back().id.number() + 1);
}

}  // namespace shardlog

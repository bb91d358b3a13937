#include "shardlog/core/reshard_step.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog {

namespace {

/// The one range that `ranges` make up, in whatever order they are; nothing where they leave a hole or overlap.
std::optional<HashRange> joined(std::vector<HashRange> ranges) {
  if (ranges.empty()) return std::nullopt;
  std::sort(ranges.begin(), ranges.end(), [](const HashRange& a, const HashRange& b) { return a.first < b.first; });
  for (std::size_t i = 0; i + 1 < ranges.size(); ++i) {
    const bool meets = ranges[i].last != max_hash_key && HashKey(ranges[i].last.value() + 1) == ranges[i + 1].first;
    if (!meets || ranges[i].last < ranges[i].first) return std::nullopt;
  }
  return ranges.back().last < ranges.back().first ? std::nullopt
                                                  : std::optional(HashRange{ranges.front().first, ranges.back().last});
}

}  // namespace

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
  const std::optional<HashRange> before = joined(std::move(closing));
  if (!before || before != joined(std::move(opening))) {
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

#include "shardlog/reshard/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::reshard {

namespace {

double width(const HashRange& range) {
  return static_cast<double>(range.last.value() - range.first.value()) + 1;
}

HashKey before(HashKey key) {
  return HashKey(key.value() - 1);
}

const Shard& open_shard(const ShardMap& map, ShardId id) {
  const Shard& shard = map.at(id);
  if (!shard.open()) {
    std::string children;
    for (const Shard& child : map.children_of(id)) children += (children.empty() ? "" : " and ") + child.id.to_string();
    throw Error(ErrorCode::usage, fmt::format("{} is closed; {} took over", id.to_string(), children));
  }
  return shard;
}

/// The steps of a plan, and the open shards, from left to right, as they are after these steps.
class Planner {
 public:
  struct Part {
    ShardId id;
    HashRange range;
    Load load;
  };
  using Parts = std::list<Part>;

  Planner(const ShardMap& map, const Loads& loads) : next_id_(next_shard_id(map)) {
    for (const ShardId id : map.open_shards()) {
      const auto load = loads.find(id);
      parts_.push_back({id, map.find(id)->range, load == loads.end() ? Load{} : load->second});
    }
  }

  Parts& parts() { return parts_; }

  Parts::iterator find(ShardId id) {
    return std::find_if(parts_.begin(), parts_.end(), [id](const Part& part) { return part.id == id; });
  }

  /// Returns the left child; the right one is next to it.
  Parts::iterator split(Parts::iterator part, HashKey at) {
    const HashRange left{part->range.first, before(at)};
    const HashRange right{at, part->range.last};
    const double share = width(left) / width(part->range);
    const ShardId parent = part->id;
    const Load load = part->load;
    const ShardId left_id = take_id();
    const ShardId right_id = take_id();
    plan_.push_back({{{parent}, {{left_id, left, parent}, {right_id, right, parent}}}, load});
    const auto second =
        parts_.insert(std::next(part), {right_id, right, {load.records * (1 - share), load.bytes * (1 - share)}});
    *part = {left_id, left, {load.records * share, load.bytes * share}};
    return std::prev(second);
  }

  /// Merges a part with the one to its right and returns the child.
  Parts::iterator merge(Parts::iterator part) {
    const auto right = std::next(part);
    const ShardId id = take_id();
    const HashRange range{part->range.first, right->range.last};
    const Load load{part->load.records + right->load.records, part->load.bytes + right->load.bytes};
    plan_.push_back({{{part->id, right->id}, {{id, range, part->id, right->id}}}, load});
    *part = {id, range, load};
    parts_.erase(right);
    return part;
  }

  Plan finish() { return std::move(plan_); }

 private:
  ShardId take_id() { return std::exchange(next_id_, ShardId(next_id_.number() + 1)); }

  ShardId next_id_;
  Parts parts_;
  Plan plan_;
};

}  // namespace

std::vector<ReshardStep> steps_of(const Plan& plan) {
  std::vector<ReshardStep> steps;
  steps.reserve(plan.size());
  for (const PlannedStep& planned : plan) steps.push_back(planned.step);
  return steps;
}

Plan split(const ShardMap& map, ShardId id, std::optional<HashKey> at, const Loads& loads) {
  const HashRange range = open_shard(map, id).range;
  if (range.first == range.last) {
    throw Error(ErrorCode::usage, fmt::format("{} has a range of one hash key, {}: it cannot be split", id.to_string(),
                                              range.first.to_string()));
  }
  const HashKey middle(range.first.value() + (range.last.value() - range.first.value()) / 2 + 1);
  const HashKey point = at.value_or(middle);
  if (point <= range.first || point > range.last) {
    throw Error(ErrorCode::usage,
                fmt::format("{} cannot be split at hash key {}: it can be split at {} to {}", id.to_string(),
                            point.to_string(), HashKey(range.first.value() + 1).to_string(), range.last.to_string()));
  }
  Planner planner(map, loads);
  planner.split(planner.find(id), point);
  return planner.finish();
}

Plan merge(const ShardMap& map, ShardId one, ShardId other, const Loads& loads) {
  const Shard* left = &open_shard(map, one);
  const Shard* right = &open_shard(map, other);
  if (right->range.first < left->range.first) std::swap(left, right);
  if (left == right || left->range.last == max_hash_key ||
      HashKey(left->range.last.value() + 1) != right->range.first) {
    const std::size_t index = map.open_index_of(left->range.first);
    std::string neighbours;
    if (index > 0) neighbours += map.open_shards()[index - 1].to_string();
    if (index + 1 < map.open_shards().size()) {
      neighbours += (neighbours.empty() ? "" : " and ") + map.open_shards()[index + 1].to_string();
    }
    throw Error(ErrorCode::usage,
                fmt::format("{} and {} are not adjacent: {}", one.to_string(), other.to_string(),
                            neighbours.empty() ? "there is only one shard"
                                               : fmt::format("{} is next to {}", left->id.to_string(), neighbours)));
  }
  Planner planner(map, loads);
  planner.merge(planner.find(left->id));
  return planner.finish();
}

Plan scale(const ShardMap& map, std::uint32_t count, const Loads& loads) {
  if (count < 1 || count > max_shards) {
    throw Error(ErrorCode::usage, fmt::format("{} shards: a stream has 1 to {}", count, max_shards));
  }
  Planner planner(map, loads);
  auto part = planner.parts().begin();
  for (const HashRange& target : even_ranges(count)) {
    while (part->range.last < target.last) {
      const auto right = std::next(part);
      if (right->range.last > target.last) planner.split(right, HashKey(target.last.value() + 1));
      part = planner.merge(part);
    }
    if (part->range.last > target.last) part = planner.split(part, HashKey(target.last.value() + 1));
    ++part;
  }
  return planner.finish();
}

}  // namespace shardlog::reshard

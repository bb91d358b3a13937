#include "shardlog/reshard/merges_by_load.h"

#include <algorithm>
#include <set>
#include <utility>

namespace shardlog::reshard {

namespace {

constexpr Duration hour = std::chrono::hours(1);

/// The peak load of the shard's key space from the time `since` on. For the time before the shard opened, this is the
/// load of its parents: of both parents of a merge, or of the one parent of a split, which had a larger key space.
Load peak_since(const Situation& situation, const Shard& shard, Timestamp since) {
  Load peak;
  const auto found = situation.measured.find(shard.id);
  if (found != situation.measured.end()) {
    for (const HourlyPeak& each : found->second.peaks) {
      if (each.hour + hour <= since) continue;
      peak.records = std::max(peak.records, each.load.records);
      peak.bytes = std::max(peak.bytes, each.load.bytes);
    }
  }
  if (shard.opened_at <= since) return peak;
  Load before;
  for (const auto& id : {shard.parent, shard.adjacent_parent}) {
    const Shard* const parent = id ? situation.map.find(*id) : nullptr;
    if (parent != nullptr) before = before + peak_since(situation, *parent, since);
  }
  return {std::max(peak.records, before.records), std::max(peak.bytes, before.bytes)};
}

/// Two neighbours.
struct Pair {
  Shard left;
  Shard right;
  Load peak;
};

/// Those that may be merged, the lightest first.
std::vector<Pair> light_pairs(const Situation& situation, const ScalingOptions& options, Duration window) {
  const Timestamp since = situation.now - window;
  std::vector<Pair> pairs;
  const Shard* left = nullptr;
  Load left_peak;
  for (const ShardId id : situation.map.open_shards()) {
    const Shard& shard = situation.map.at(id);
    const Load peak = peak_since(situation, shard, since);
    const bool known = shard.opened_at <= since || shard.adjacent_parent;
    if (left != nullptr && known && utilisation(left_peak + peak, options.capacity) <= options.target / 2) {
      pairs.push_back({*left, shard, left_peak + peak});
    }
    left = known ? &shard : nullptr;
    left_peak = peak;
  }
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) {
    return utilisation(a.peak, options.capacity) < utilisation(b.peak, options.capacity);
  });
  return pairs;
}

}  // namespace

Plan merges_by_load(const Situation& situation, const ScalingOptions& options, Duration window) {
  Plan plan;
  std::set<ShardId> merged;
  ShardId next_id = next_shard_id(situation.map);
  const std::size_t shards = situation.map.open_shards().size();
  for (const Pair& pair : light_pairs(situation, options, window)) {
    if (shards - plan.size() <= options.least) break;
    if (merged.contains(pair.left.id) || merged.contains(pair.right.id)) continue;
    merged.insert({pair.left.id, pair.right.id});
    const HashRange range{pair.left.range.first, pair.right.range.last};
    plan.push_back({{{pair.left.id, pair.right.id}, {{next_id, range, pair.left.id, pair.right.id}}}, pair.peak});
    next_id = ShardId(next_id.number() + 1);
  }
  return plan;
}

}  // namespace shardlog::reshard

#include "shardlog/capacity/shard_buckets.h"

#include <algorithm>
#include <map>

namespace shardlog::capacity {

namespace {

/// The buckets that some steps need, at the places by which the rules of writing.h know them.
class Places {
 public:
  Places(Buckets& buckets, const Heirs& heirs) : kept_(buckets), heirs_(heirs) {}

  void add(const Step& step) {
    const std::size_t first = needs_.size();
    for (const ShardNeed& need : step) {
      const std::vector<std::size_t>& places = places_of(need.shard);
      const std::uint64_t parts = places.size();
      const auto part_of = [parts](std::uint64_t amount) { return (amount + parts - 1) / parts; };
      for (const std::size_t place : places) add(first, {place, part_of(need.bytes), part_of(need.records)});
    }
    if (needs_.size() == first) needs_.push_back({0, 0, 0});
    for (std::size_t i = first + 1; i < needs_.size(); ++i) needs_[i].joined = true;
  }

  [[nodiscard]] bool none() const { return buckets_.empty(); }
  [[nodiscard]] std::span<Bucket> buckets() { return buckets_; }
  [[nodiscard]] std::span<const Need> needs() const { return needs_; }

  /// Stores the buckets that were refilled at `now`, and may have been charged.
  void store(const Moment& now) {
    for (std::size_t place = 0; place < buckets_.size(); ++place) {
      if (buckets_[place].at == now) kept_.store(shards_[place], buckets_[place]);
    }
  }

 private:
  /// A shard and its parent may both be in a step that was routed again in part: they share a need.
  void add(std::size_t first, const Need& need) {
    const std::size_t known = last_need_[need.shard];
    if (known < needs_.size() && known >= first && needs_[known].shard == need.shard) {
      needs_[known].bytes += need.bytes;
      needs_[known].records += need.records;
      return;
    }
    last_need_[need.shard] = needs_.size();
    needs_.push_back(need);
  }

  const std::vector<std::size_t>& places_of(ShardId shard) {
    const auto [known, is_new] = places_.try_emplace(shard);
    if (is_new) {
      for (const ShardId heir : heirs_(shard)) known->second.push_back(place_of(heir));
    }
    return known->second;
  }

  std::size_t place_of(ShardId shard) {
    const auto known = std::find(shards_.begin(), shards_.end(), shard);
    if (known != shards_.end()) return static_cast<std::size_t>(known - shards_.begin());
    shards_.push_back(shard);
    buckets_.push_back(kept_.load(shard));
    last_need_.push_back(0);
    return shards_.size() - 1;
  }

  Buckets& kept_;
  const Heirs& heirs_;
  std::map<ShardId, std::vector<std::size_t>> places_;  ///< of the shards' heirs
  std::vector<ShardId> shards_;                         ///< by place
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> last_need_;  ///< the index of the newest need of this place
  std::vector<Need> needs_;
};

}  // namespace

std::vector<ShardId> heirs_of(const ShardMap& map, ShardId shard) {
  if (map.at(shard).open()) return {shard};
  std::vector<ShardId> heirs;
  for (const Shard& child : map.children_of(shard)) {
    for (const ShardId heir : heirs_of(map, child.id)) {
      if (std::find(heirs.begin(), heirs.end(), heir) == heirs.end()) heirs.push_back(heir);
    }
  }
  return heirs;
}

Slice reserve(Buckets& buckets, const Heirs& heirs, const Price& price, std::span<const Step> steps,
              const Seconds& paid, const Moment& now) {
  Places places(buckets, heirs);
  for (const Step& step : steps) places.add(step);
  if (places.none()) return {.steps = steps.size()};
  const Slice slice = reserve(places.buckets(), price, places.needs(), paid, now);
  places.store(now);
  return slice;
}

std::optional<Exhausted> charge(Buckets& buckets, const Price& price, const Step& step, const Moment& now) {
  Exhausted exhausted;
  std::vector<Bucket> charged;
  for (const ShardNeed& need : step) {
    Bucket bucket = buckets.load(need.shard);
    refill(bucket, now);
    if (bucket.level.count <= 0) exhausted.records = true;
    if (bucket.level.bytes <= 0) exhausted.bytes = true;
    exhausted.retry_after = std::max(exhausted.retry_after, until_earned(bucket.level) + Duration(1));
    const Seconds cost = price.of(need.records, need.bytes);
    bucket.level = {bucket.level.count - cost.count, bucket.level.bytes - cost.bytes};
    charged.push_back(bucket);
  }
  if (exhausted.records || exhausted.bytes) return exhausted;
  for (std::size_t i = 0; i < step.size(); ++i) buckets.store(step[i].shard, charged[i]);
  return std::nullopt;
}

void hand_over(Buckets& buckets, std::span<const ShardId> parents, std::span<const ShardId> children,
               const Moment& now) {
  std::vector<Bucket> given;
  for (const ShardId parent : parents) {
    given.push_back(buckets.load(parent));
    refill(given.back(), now);
    buckets.remove(parent);
  }
  const Bucket taken = take_over(given);
  for (const ShardId child : children) buckets.store(child, taken);
}

}  // namespace shardlog::capacity

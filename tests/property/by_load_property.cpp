#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

#include "shardlog/reshard/by_load.h"
#include "support/shards.h"

namespace shardlog::reshard {
namespace {

constexpr Timestamp now{std::chrono::hours(24 * 365 * 50)};
constexpr std::size_t key_count = 50;

HashKey key_at(std::size_t place) {
  return HashKey(max_hash_key.value() / key_count * place);
}

/// Even shards that carry something, and samples of a few keys.
Situation random_situation(std::uint32_t shards, const std::vector<std::size_t>& samples) {
  Situation situation{ShardMap(1, test::open_shards(even_ranges(shards))), now, {}, {}};
  for (const Shard& shard : situation.map.shards()) {
    const auto records = static_cast<double>(*rc::gen::inRange(0, 1001));
    const Load load{records, records * *rc::gen::inRange(1, 2000)};
    situation.measured[shard.id] = {std::vector<Load>(measured_minutes, load), {{now, load}}};
  }
  situation.sample = [=, map = situation.map](ShardId id) {
    std::vector<KeySample> result;
    for (const std::size_t place : samples) {
      if (place == key_count)
        result.push_back({});
      else if (map.at(id).range.contains(key_at(place)))
        result.push_back({key_at(place), "key", place});
    }
    return result;
  };
  return situation;
}

// Whatever is measured.
RC_GTEST_PROP(ByLoad, ADecisionCanBeAppliedAndKeepsToTheBounds, ()) {
  const auto shards = *rc::gen::inRange<std::uint32_t>(1, 12);
  const auto samples = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, key_count + 1));
  ScalingOptions options{.capacity = {1000, 1 << 20}};
  options.least = *rc::gen::inRange<std::uint32_t>(1, shards + 1);
  options.most = *rc::gen::inRange<std::uint32_t>(shards, 30);
  const Situation situation = random_situation(shards, samples);
  const Decision decision = scale_by_load(situation, options, {});
  ShardMap map = situation.map;
  for (const PlannedStep& planned : decision.plan) map = apply(map, planned.step, now);  // throws if it does not fit
  const std::size_t after = map.open_shards().size();
  RC_ASSERT(after <= std::min<std::size_t>(2 * shards, options.most));
  RC_ASSERT(after >= std::max<std::size_t>((shards + 1) / 2, options.least));
  RC_ASSERT(decision.plan.empty() == !decision.state.decided_at);
  RC_ASSERT(!decision.reason.empty());
}

RC_GTEST_PROP(ByLoad, AShardIsSplitWhereAKeyBeginsOrInTheMiddle, ()) {
  const auto samples = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, key_count));
  const Situation situation = random_situation(4, samples);
  std::set<HashKey> places;
  for (const std::size_t place : samples) places.insert(key_at(place));
  for (const PlannedStep& planned : scale_by_load(situation, {.capacity = {1000, 1 << 20}}, {}).plan) {
    const ReshardStep& step = planned.step;
    if (step.closes.size() == 2) continue;
    const HashRange left = step.opens[0].range;
    const HashRange right = step.opens[1].range;
    const bool middle = left.last.value() - left.first.value() == right.last.value() - right.first.value();
    RC_ASSERT(middle || places.contains(right.first));
  }
}

}  // namespace
}  // namespace shardlog::reshard

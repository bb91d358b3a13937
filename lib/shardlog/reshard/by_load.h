#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/reshard/plan.h"

/// When shards are split and merged by the load that they carry. Pure: the caller measures, applies the plan, and keeps
/// the state with the stream. If several callers decide at once, only the first finds the shard map unchanged. So
/// decide again under the lock under which the plan is applied.
///
/// A split is decided by the load that the shard carried in every one of the last 15 minutes. In simulations, deciding
/// by the peak minute left twice as many shards after bursts. A merge is decided by the peak minute of a whole day, so
/// that the shards do not follow a daily rhythm up and down. If a merge had to be undone soon, the day becomes two
/// days, and so on. The figures come from simulations such as tests/unit/scaling_simulation_test.cpp.
namespace shardlog::reshard {

constexpr std::size_t measured_minutes = 15;
constexpr std::size_t wanted_samples = 2000;
constexpr Duration first_window = std::chrono::hours(24);
constexpr Duration longest_window = std::chrono::hours(24 * 30);

/// One of the records that a shard took in lately, each as likely as any other.
struct KeySample {
  std::optional<HashKey> hash;  ///< the hash key that the record was routed by; nullopt if the record has no key
  std::string key{};
  std::uint64_t bytes = 1;
};

/// The load of the busiest minute of an hour, as the mean of that minute's seconds.
struct HourlyPeak {
  Timestamp hour;  ///< when it began
  Load load;
};

struct Measured {
  std::vector<Load> minutes{};      ///< the latest ones, each as the mean of its seconds; fewer if the shard is young
  std::vector<HourlyPeak> peaks{};  ///< of the hours within the window, the running one too
};

/// What is known of the stream.
struct Situation {
  ShardMap map;
  Timestamp now;
  /// Of each open shard, and the peaks of each shard that was closed within the window. No shard is changed until all
  /// open shards have been measured for 15 minutes.
  std::map<ShardId, Measured> measured;
  /// Returns about wanted_samples samples. Only called for shards that have to be split. A shard with a hot key is
  /// sampled by every decision, so ask for at most one decision a minute.
  std::function<std::vector<KeySample>(ShardId)> sample;
};

struct ScalingOptions {
  Load capacity;        ///< of a shard, per second; 0: no limit. REQUIRES: records or bytes is not 0
  double target = 0.7;  ///< how much of it a shard may carry for long
  std::uint32_t least = 1;
  std::uint32_t most = max_shards;
  bool merges = true;  ///< false: shards are only split, and need no peaks
};

/// What has to be remembered from one decision to the next.
struct ScalingState {
  std::optional<Timestamp> decided_at{};
  Duration window = first_window;  ///< shards are merged by the peak of this time

  friend bool operator==(const ScalingState&, const ScalingState&) = default;
};

/// A key that makes up so much of a shard that a split would not help.
struct HotKey {
  ShardId shard;  ///< it may be one that the plan makes
  std::string key;
  double share;  ///< of the shard's load
};

struct Decision {
  Plan plan;           ///< empty: leave the shards as they are; the loads in its steps are loads per second
  ScalingState state;  ///< to be stored in one commit with the plan's first step
  std::vector<HotKey> hot_keys;
  std::string reason;  ///< in one sentence, without a full stop
};

/// How much of a shard's capacity a load is: by records or by bytes, whichever is more.
double utilisation(const Load& load, const Load& capacity);

/// Makes at most one decision in 15 minutes. It at most doubles or halves the number of shards.
///
/// - Splits the busiest shard while it carries more than the target in each of the last 15 minutes; or more than 1.5
///   times the mean, and more than half of its capacity. It is split where the sampled keys halve its load. Where one
///   of the halves would keep more than 90 %, the hot key is named instead.
/// - Else, an hour or more after the latest decision, merges neighbours whose peaks in the window add up to at most
///   half of the target. It does not merge a child of a split if the child is younger than the window.
/// - Splitting a shard that was merged less than two windows ago doubles the window.
///
/// Records without keys are dealt to all shards alike, so a split takes some of them from each.
Decision scale_by_load(const Situation& situation, const ScalingOptions& options, const ScalingState& state);

}  // namespace shardlog::reshard

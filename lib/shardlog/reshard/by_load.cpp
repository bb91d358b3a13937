#include "shardlog/reshard/by_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/printable.h"
#include "shardlog/reshard/merges_by_load.h"
#include "shardlog/reshard/splits_by_load.h"

namespace shardlog::reshard {

namespace {

constexpr Duration pause = std::chrono::minutes(15);
constexpr Duration pause_before_merge = std::chrono::hours(1);

double part(double load, double capacity) {
  return capacity > 0 ? load / capacity : 0;
}

/// A decision with a time in the future was made before the clock went back. It no longer counts.
bool decided_within(Duration duration, const Situation& situation, const ScalingState& state) {
  return state.decided_at && *state.decided_at <= situation.now && situation.now - *state.decided_at < duration;
}

/// Why no decision can be made yet; empty if one can be made.
std::string too_early(const Situation& situation, const ScalingState& state) {
  using std::chrono::minutes;
  if (decided_within(pause, situation, state)) {
    return fmt::format("the latest decision is {} minutes old, and there is at most one in {} minutes",
                       std::chrono::floor<minutes>(situation.now - *state.decided_at).count(),
                       std::chrono::floor<minutes>(pause).count());
  }
  for (const ShardId id : situation.map.open_shards()) {
    const auto found = situation.measured.find(id);
    const std::size_t known = found == situation.measured.end() ? 0 : found->second.minutes.size();
    if (known < measured_minutes) {
      return fmt::format("{} has been measured for {} of {} minutes", id.to_string(), known, measured_minutes);
    }
  }
  return {};
}

/// The window after these splits. If one of them splits a shard that was merged lately, the window was too short.
Duration window_after(const Plan& splits, const Situation& situation, Duration window) {
  const bool undoes_merge = std::any_of(splits.begin(), splits.end(), [&](const PlannedStep& planned) {
    const Shard* const shard = situation.map.find(planned.step.closes.front());
    return shard != nullptr && shard->adjacent_parent && situation.now - shard->opened_at < 2 * window;
  });
  return undoes_merge ? std::min(2 * window, longest_window) : window;
}

Decision decision(Plan plan, const ScalingState& state, std::string reason, std::vector<HotKey> hot_keys) {
  for (const HotKey& hot : hot_keys) {
    reason += fmt::format("; {:.0f} % of {} is the key {}, which cannot be split", 100 * hot.share,
                          hot.shard.to_string(), quote(hot.key));
  }
  return {std::move(plan), state, std::move(hot_keys), std::move(reason)};
}

}  // namespace

double utilisation(const Load& load, const Load& capacity) {
  return std::max(part(load.records, capacity.records), part(load.bytes, capacity.bytes));
}

Decision scale_by_load(const Situation& situation, const ScalingOptions& options, const ScalingState& state) {
  if (std::string reason = too_early(situation, state); !reason.empty()) return {{}, state, {}, std::move(reason)};
  Splits splits = splits_by_load(situation, options);
  if (!splits.plan.empty()) {
    const Duration window = window_after(splits.plan, situation, state.window);
    return decision(std::move(splits.plan), {situation.now, window}, splits.reason, std::move(splits.hot_keys));
  }
  if (options.merges && !decided_within(pause_before_merge, situation, state)) {
    Plan merges = merges_by_load(situation, options, state.window);
    if (!merges.empty()) {
      std::string reason =
          fmt::format("neighbours' peaks of the last {} hours add up to {:.0f} % of a shard's capacity or less",
                      std::chrono::floor<std::chrono::hours>(state.window).count(), 100 * options.target / 2);
      return decision(std::move(merges), {situation.now, state.window}, reason, std::move(splits.hot_keys));
    }
  }
  return decision({}, state, splits.reason, std::move(splits.hot_keys));
}

}  // namespace shardlog::reshard

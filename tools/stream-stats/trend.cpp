#include "tools/stream-stats/trend.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace shardlog::cli {

namespace {

double rate_between(const BacklogAt& from, const BacklogAt& to) {
  return (to.records - from.records) / std::chrono::duration<double>(to.at - from.at).count();
}

/// The shortest time that shows a change, from the look `first` on, tends to begin before a step and to end after one,
/// so it shows more change than there is. So older looks count too, as far back as they go on with that change. A
/// backlog that went against it in between has steps, and may be one of them off; any other one has hardly a reason to
/// be off.
double rate_with_older(std::span<const BacklogAt> looks, std::size_t first, double step) {
  constexpr double off_without_steps = 0.25;
  const BacklogAt& last = looks.back();
  double rate = rate_between(looks[first], last);
  double allowed = step * off_without_steps;
  for (std::size_t i = first + 1; i < looks.size(); ++i) {
    if ((looks[i].records - looks[i - 1].records) * rate < 0) allowed = step;
  }
  for (std::size_t i = first; i-- > 0;) {
    const double seconds = std::chrono::duration<double>(last.at - looks[i].at).count();
    if (std::abs(last.records - looks[i].records - rate * seconds) > allowed) break;
    rate = rate_between(looks[i], last);
  }
  return rate;
}

}  // namespace

std::optional<double> trend_of(std::span<const BacklogAt> looks, double noise) {
  constexpr std::size_t fewest_looks = 4;
  constexpr double clear_after = 2;  // steps
  if (looks.size() < fewest_looks) return std::nullopt;
  // While a backlog rises from one checkpoint to the next, only an older look shows how far a checkpoint takes it down.
  double longest_way_down = 0;
  for (std::size_t i = 1; i < looks.size(); ++i) {
    longest_way_down = std::max(longest_way_down, looks[i - 1].records - looks[i].records);
  }
  // The latest looks that are enough to tell: what was before may have been different.
  const BacklogAt& last = looks.back();
  double step = 0;
  for (std::size_t i = looks.size() - 1; i-- > 0;) {
    step = std::max(step, std::abs(looks[i + 1].records - looks[i].records));
    const double change = last.records - looks[i].records;
    const double usual = change > 0 ? std::max(step, longest_way_down) : step;
    if (std::abs(change) <= std::max(clear_after * usual, noise) || last.at <= looks[i].at) continue;
    return rate_with_older(looks, i, step);
  }
  return 0;
}

}  // namespace shardlog::cli

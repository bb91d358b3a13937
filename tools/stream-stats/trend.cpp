#include "tools/stream-stats/trend.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace shardlog::cli {

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
    return change / std::chrono::duration<double>(last.at - looks[i].at).count();
  }
  return 0;
}

}  // namespace shardlog::cli

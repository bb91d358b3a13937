#include "tools/stream-get/pacer.h"

#include <algorithm>
#include <cmath>

namespace shardlog::cli {

Duration Pacer::until_due(Timestamp arrived_at) {
  const Duration now = clock_.elapsed();
  if (!start_) start_ = {arrived_at, now};
  const auto microseconds = [](Timestamp time) { return static_cast<double>(time.time_since_epoch().count()); };
  constexpr double most = 1e15;  // three decades: nobody waits longer, and sums of it are no problem
  const double recorded = (microseconds(arrived_at) - microseconds(start_->arrived_at)) / speed_;
  const Duration due = start_->played_at + Duration(std::llround(std::clamp(recorded, 0.0, most)));
  return std::max(due - now, Duration(0));
}

}  // namespace shardlog::cli

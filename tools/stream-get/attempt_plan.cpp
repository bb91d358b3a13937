#include "tools/stream-get/attempt_plan.h"

#include <algorithm>

namespace shardlog::cli {

namespace {
constexpr Duration first_pause = std::chrono::milliseconds(100);
constexpr Duration longest_pause = std::chrono::seconds(10);
}  // namespace

AttemptPlan::AttemptPlan(std::size_t records, std::uint64_t retries)
    : records_(records), retries_(retries), parts_{{0, records}} {}

std::optional<RecordRun> AttemptPlan::next() const {
  return parts_.empty() ? std::nullopt : std::optional(parts_.back());
}

void AttemptPlan::succeeded() {
  parts_.pop_back();
  attempts_ = 0;
}

AttemptPlan::Then AttemptPlan::failed() {
  const RecordRun part = parts_.back();
  ++attempts_;
  const bool in_between = part.count > 1 && part.count < records_;
  if (!in_between && attempts_ <= retries_) return Then::retry;
  if (part.count == 1) return Then::give_up;
  const std::size_t half = (part.count + 1) / 2;
  parts_.back() = {part.first + half, part.count - half};
  parts_.push_back({part.first, half});
  attempts_ = 0;
  return Then::halve;
}

Duration AttemptPlan::pause() const {
  Duration pause = first_pause;
  for (std::uint64_t i = 1; i < attempts_ && pause < longest_pause; ++i) pause *= 2;
  return std::min(pause, longest_pause);
}

}  // namespace shardlog::cli

#include "shardlog/metrics/recorder.h"

#include <algorithm>
#include <new>
#include <stop_token>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::metrics {

namespace {

constexpr Duration interval = std::chrono::seconds(10);
constexpr Duration until_next_try = std::chrono::milliseconds(500);
constexpr std::size_t most_minutes = 24UL * 60;
constexpr std::size_t minutes_at_once = 10;  // in a commit: other writers wait for it
constexpr Duration attempts_last = std::chrono::milliseconds(100);
constexpr Duration between_attempts = std::chrono::milliseconds(2);

/// Whether a later call may succeed.
bool is_passing(const Error& error) {
  return error.code() == ErrorCode::busy || error.code() == ErrorCode::full;
}

}  // namespace

Measures& Recorder::at(Timestamp now) {
  if (minutes_.empty()) due_at_ = clock_.elapsed() + interval;
  const Timestamp minute = std::chrono::floor<std::chrono::minutes>(now);
  if (minutes_.size() == most_minutes && !minutes_.contains(minute)) minutes_.erase(minutes_.begin());
  return minutes_[minute];
}

Duration Recorder::until_due() const {
  if (minutes_.empty()) return Duration::max();
  return std::max(due_at_ - clock_.elapsed(), Duration(0));
}

bool Recorder::write() {
  due_at_ = clock_.elapsed() + until_next_try;
  try {
    while (!minutes_.empty() && !forgets_) {
      std::vector<Period> periods;
      for (auto each = minutes_.begin(); each != minutes_.end() && periods.size() < minutes_at_once; ++each) {
        periods.push_back({each->first, std::chrono::minutes(1), each->second});
      }
      if (!metrics_.add(periods)) return false;
      minutes_.erase(minutes_.begin(), minutes_.upper_bound(periods.back().start));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::full) due_at_ = clock_.elapsed() + interval;  // to try it costs a checkpoint
    if (is_passing(error)) return false;
    forgets_ = true;
  } catch (const std::bad_alloc&) {  // the caller must not take it for a failure of its own work
    return false;
  }
  minutes_.clear();
  return true;
}

void Recorder::write_at_end() {
  const Duration end = clock_.elapsed() + attempts_last;
  while (!write() && clock_.elapsed() < end) sleep_for(between_attempts, std::stop_token());
}

}  // namespace shardlog::metrics

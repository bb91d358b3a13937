#include "tools/stream-put/rate_limit.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <utility>

namespace shardlog::cli {

namespace {
constexpr std::uint64_t pieces_a_second = 20;
}

RateLimit::RateLimit(std::optional<std::uint64_t> records_a_second, const Clock& clock, std::stop_token stop)
    : rate_(records_a_second), clock_(clock), stop_(std::move(stop)) {}

std::size_t RateLimit::most_at_once() const {
  return rate_ ? std::max<std::size_t>(*rate_ / pieces_a_second, 1) : std::numeric_limits<std::size_t>::max();
}

void RateLimit::wait(std::size_t records) {
  if (!rate_ || records == 0) return;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock guard(mutex);
  for (Duration now = clock_.elapsed(); now < next_ && !stop_.stop_requested(); now = clock_.elapsed()) {
    never.wait_for(guard, stop_, next_ - now, [] { return false; });
  }
  const auto cost = std::chrono::duration<double>(static_cast<double>(records) / static_cast<double>(*rate_));
  next_ = std::max(next_, clock_.elapsed()) + std::chrono::ceil<Duration>(cost);
}

}  // namespace shardlog::cli

#include "tools/stream-get/fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace shardlog::cli {

namespace {
constexpr std::size_t piece_bytes = 4UL * 1024 * 1024;  // read from the stream at once
constexpr Duration longest_wait = std::chrono::hours(1);
}  // namespace

void Fetcher::run(const std::stop_token& stop) {
  Duration last_arrival = clock_.elapsed();
  while (!stop.stop_requested()) {
    ReadResult result = reader_.next(piece_bytes);
    const bool was_empty = result.batches.empty() && result.gaps.empty();
    const bool at_end = result.at_end;
    if (!was_empty) {
      last_arrival = clock_.elapsed();
      std::size_t weight = 0;
      for (const StoredBatch& batch : result.batches) weight += batch.records.memory();
      if (!queue_.push(std::move(result), weight)) return;
    }
    if (at_end) return;
    if (!was_empty) continue;
    const Duration idle = clock_.elapsed() - last_arrival;
    if (command_.idle_exit && idle >= *command_.idle_exit) return;
    const Duration wait = command_.idle_exit ? *command_.idle_exit - idle : longest_wait;
    const bool woken = reader_.wait(std::min(wait, command_.poll.value_or(longest_wait)), stop);
    ++(woken ? by_commit_ : by_time_);
  }
}

std::string Fetcher::wakeups() const {
  return fmt::format("woken {} times by commits, {} times to look", by_commit_, by_time_);
}

}  // namespace shardlog::cli

#include "tools/stream-get/fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/threads.h"
#include "tools/common/output.h"

namespace shardlog::cli {

namespace {
constexpr std::size_t queued_bytes = 8UL * 1024 * 1024;     // between reading and writing
constexpr std::size_t piece_ahead = 4UL * 1024 * 1024;      // read from the stream at once
constexpr std::size_t piece_on_demand = 2UL * 1024 * 1024;  // at least a batch, which may be larger
constexpr Duration longest_wait = std::chrono::hours(1);
constexpr Duration first_look = std::chrono::milliseconds(1);  // between two checks if everything was taken
constexpr Duration longest_look = std::chrono::milliseconds(50);
}  // namespace

Fetcher::Fetcher(const GetCommand& command, const Clock& clock, consuming::LimitedReader& reader, Reading reading)
    : command_(command),
      clock_(clock),
      reader_(reader),
      piece_(reading == Reading::ahead ? piece_ahead : piece_on_demand),
      queue_(queued_bytes) {
  if (reading == Reading::ahead) thread_ = start_thread([this] { read_ahead(stop_.get_token()); });
}

void Fetcher::stop() {
  stop_.request_stop();
  queue_.close();
}

void Fetcher::finish() {
  stop();
  if (reads_ahead()) thread_.join();
  if (failure_) std::rethrow_exception(failure_);
}

void Fetcher::read_ahead(const std::stop_token& stop) {
  while (auto result = read(stop)) {
    std::size_t weight = 0;
    for (const StoredBatch& batch : result->batches) weight += batch.records.memory();
    if (!queue_.push(*std::move(result), weight)) return;
  }
  queue_.close();
}

/// The next piece; nothing at the end, after a stop, or if reading failed.
std::optional<ReadResult> Fetcher::read(const std::stop_token& stop) {
  try {
    return read_until_end(stop);
  } catch (...) {
    failure_ = std::current_exception();
    return std::nullopt;
  }
}

std::optional<ReadResult> Fetcher::read_until_end(const std::stop_token& stop) {
  while (!at_end_ && !stop.stop_requested()) {
    const Duration looked_at = clock_.elapsed();
    ReadResult result = reader_.next(piece_);
    if (reader_.throttled_for() > Duration(0)) {
      idle_since_.reset();
      sleep_for(reader_.throttled_for(), stop);
      continue;
    }
    at_end_ = result.at_end;
    if (!result.batches.empty() || !result.gaps.empty()) {
      idle_since_.reset();
      until_look_ = first_look;
      return result;
    }
    if (!at_end_ && !rest(looked_at, stop)) return std::nullopt;
  }
  return std::nullopt;
}

/// Waits for new records. The last look began at `looked_at` and found nothing. Returns false if nothing has come for
/// as long as --idle-exit says.
bool Fetcher::rest(Duration looked_at, const std::stop_token& stop) {
  Duration longest = command_.poll.value_or(longest_wait);
  if (command_.idle_exit) {
    // Strictly later than idle_since_: both may fall into the same microsecond.
    if (idle_since_ && looked_at - *idle_since_ > *command_.idle_exit) return false;
    if (!idle_since_ && all_is_taken()) idle_since_ = clock_.elapsed();
    if (idle_since_) {
      longest = std::min(longest, std::max(*command_.idle_exit - (clock_.elapsed() - *idle_since_), Duration(0)));
    } else {  // no event tells that a pipe is empty
      longest = std::min(longest, until_look_);
      until_look_ = std::min(2 * until_look_, longest_look);
    }
  }
  ++(reader_.wait(longest, stop) ? by_commit_ : by_time_);
  return true;
}

/// Whether the reader of our output has taken everything.
bool Fetcher::all_is_taken() {
  return queue_.is_awaited() && unread_output() == 0;
}

std::string Fetcher::wakeups() const {
  return fmt::format("woken {} times by commits, {} times to look", by_commit_, by_time_);
}

}  // namespace shardlog::cli

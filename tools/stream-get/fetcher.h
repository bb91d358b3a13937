#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "shardlog/consuming/limited_reader.h"
#include "tools/common/bounded_queue.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// When the fetcher reads.
enum class Reading {
  ahead,      ///< on a thread of its own, while the caller prints
  on_demand,  ///< in next(): the bytes are still in the processor's cache when the caller prints them
};

/// Reads pieces of a stream. Ends at the end of what was asked for, and with --idle-exit once nothing has come for that
/// long. Waits for capacity if the stream has limits. Counts what woke it, for -v.
class Fetcher {
 public:
  /// All must outlive it. Throws busy if it needs a thread and the system has none to give.
  Fetcher(const GetCommand& command, const Clock& clock, consuming::LimitedReader& reader, Reading reading);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher() { stop(); }

  /// The next piece that was read. Waits for it; nothing after the last one.
  std::optional<ReadResult> next() { return reads_ahead() ? queue_.pop() : read(stop_.get_token()); }
  /// The same without waiting, and without reading.
  std::optional<ReadResult> next_if_ready() { return queue_.try_pop(); }

  /// Ends the reading soon, and makes next() return nothing once it has returned what is there. From any thread.
  void stop();

  /// Stops, and waits for the thread. Throws what Reader::next() has thrown.
  void finish();

  /// "woken 3 times by commits, 2 times to look". REQUIRES: finish()ed
  [[nodiscard]] std::string wakeups() const;

 private:
  [[nodiscard]] bool reads_ahead() const { return thread_.joinable(); }
  void read_ahead(const std::stop_token& stop);
  std::optional<ReadResult> read(const std::stop_token& stop);
  std::optional<ReadResult> read_until_end(const std::stop_token& stop);
  bool rest(Duration looked_at, const std::stop_token& stop);
  [[nodiscard]] bool all_is_taken();

  const GetCommand& command_;
  const Clock& clock_;
  consuming::LimitedReader& reader_;
  std::size_t piece_;
  bool at_end_ = false;
  std::stop_source stop_;
  BoundedQueue<ReadResult> queue_;
  std::optional<Duration> idle_since_;  ///< since then nothing has come, and the reader has taken everything
  Duration until_look_{0};              ///< how soon to ask again whether everything was taken
  std::uint64_t by_commit_ = 0;
  std::uint64_t by_time_ = 0;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace shardlog::cli

#pragma once

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

/// Reads ahead on a thread of its own, while the caller prints. Ends at the end of what was asked for, and with
/// --idle-exit once nothing has come for that long. Waits for capacity if the stream has limits. Counts what woke it,
/// for -v.
class Fetcher {
 public:
  /// Starts to read. All must outlive it. Throws busy if the system has no thread to give.
  Fetcher(const GetCommand& command, const Clock& clock, consuming::LimitedReader& reader);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher() { stop(); }

  /// The next piece that was read. Waits for it; nothing after the last one.
  std::optional<ReadResult> next() { return queue_.pop(); }
  /// The same without waiting.
  std::optional<ReadResult> next_if_ready() { return queue_.try_pop(); }

  /// Ends the reading soon, and makes next() return nothing once it has returned what is there. From any thread.
  void stop();

  /// Stops, and waits for the thread. Throws what Reader::next() has thrown there.
  void finish();

  /// "woken 3 times by commits, 2 times to look". REQUIRES: finish()ed
  [[nodiscard]] std::string wakeups() const;

 private:
  void run(const std::stop_token& stop);
  void read_all(const std::stop_token& stop);
  bool rest(Duration looked_at, const std::stop_token& stop);
  [[nodiscard]] bool all_is_taken();

  const GetCommand& command_;
  const Clock& clock_;
  consuming::LimitedReader& reader_;
  BoundedQueue<ReadResult> queue_;
  std::optional<Duration> idle_since_;  ///< since then nothing has come, and the reader has taken everything
  Duration until_look_{0};              ///< how soon to ask again whether everything was taken
  std::uint64_t by_commit_ = 0;
  std::uint64_t by_time_ = 0;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace shardlog::cli

#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "tools/common/bounded_queue.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// Reads ahead of the writing, on a thread of its own. Counts what woke it, for -v.
class Fetcher {
 public:
  Fetcher(const GetCommand& command, const Clock& clock, Reader& reader, BoundedQueue<ReadResult>& queue)
      : command_(command), clock_(clock), reader_(reader), queue_(queue) {}

  /// Until the end, or until `stop` is requested or the queue is closed. Throws as Reader::next().
  void run(const std::stop_token& stop);

  [[nodiscard]] std::string wakeups() const;

 private:
  bool rest(Duration looked_at, const std::stop_token& stop);
  [[nodiscard]] bool all_is_taken() const;

  const GetCommand& command_;
  const Clock& clock_;
  Reader& reader_;
  BoundedQueue<ReadResult>& queue_;
  std::optional<Duration> idle_since_;  ///< nothing came, and all that came before was taken
  Duration until_look_{0};              ///< how soon to ask again whether all was taken
  std::uint64_t by_commit_ = 0;
  std::uint64_t by_time_ = 0;
};

}  // namespace shardlog::cli

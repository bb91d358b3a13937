#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string_view>

#include "shardlog/consuming/delivery.h"
#include "tools/common/descriptor.h"

namespace shardlog::cli {

/// Standard output for a worker. A worker must keep its leases even while nobody reads, so this waits in bounded steps.
/// It also knows what was read.
/// REQUIRES: SIGPIPE is ignored
class PatientOutput {
 public:
  explicit PatientOutput(const std::stop_token& stop);

  /// Writes `text`; a record ends at each of `ends`. After a stop request, writes only the rest of a record that is
  /// written in part. If the reader is gone, writes nothing more. Throws io, and what the lifeline throws.
  void write(std::string_view text, std::span<const std::uint64_t> ends, consuming::Lifeline& lifeline);

  /// Waits until the reader has taken everything out of the pipe, or is gone. Throws as write().
  void wait_until_taken(consuming::Lifeline& lifeline);

  /// To be called when the reader was seen to go away. It stays gone, even if another one opens a named pipe.
  void give_up_reader() { reader_is_gone_ = true; }

  /// How many bytes were written, and how many of these have left the pipe: all of them if it is not a pipe.
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] std::uint64_t taken() const;

  /// Whether nobody will ever read what is not taken.
  [[nodiscard]] bool reader_is_gone() const { return reader_is_gone_; }

 private:
  bool wait(short events, Duration longest, consuming::Lifeline& lifeline);

  std::stop_token stop_;
  StopEvent stopping_;
  std::size_t step_;  ///< how much can be written without blocking when poll(2) reports POLLOUT
  std::uint64_t written_ = 0;
  bool reader_is_gone_ = false;
};

}  // namespace shardlog::cli

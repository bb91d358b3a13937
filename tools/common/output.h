#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "shardlog/log/pinned_pages.h"
#include "tools/common/descriptor.h"

namespace shardlog::cli {

/// Opens /dev/null on those of the descriptors 0 to 2 that are closed, so that no file of ours gets their numbers. It
/// is opened the wrong way round (standard input for writing), so that using them still fails.
void claim_standard_descriptors();

/// Standard output with every write checked. Small pieces are gathered, large ones are written at once.
/// Throws io if a write fails. A reader that has gone away raises SIGPIPE.
class Output {
 public:
  Output();

  /// Writes to `drain` instead, and passes its errors on. `terminal` is what is_terminal() returns.
  using Drain = std::function<void(std::string_view)>;
  Output(Drain drain, bool terminal);

  void write(std::string_view bytes);

  /// The same, but hands over the pages of the beginning of `bytes` instead of copying it. REQUIRES:
  /// widen_output_pipe() returned true
  void write(std::string_view bytes, const PinnedPages& beginning);

  /// Whether a person looks at it, so that control characters must be escaped.
  [[nodiscard]] bool is_terminal() const { return terminal_; }

  /// How many bytes there were until now, including those that are still gathered.
  [[nodiscard]] std::uint64_t position() const { return written_ + gathered_.size(); }

  /// Writes what is gathered. Call it when a reader should see everything.
  void flush();

  /// Flushes and closes standard output, because some errors show only then.
  void close();

 private:
  void write_out(std::string_view bytes);

  Drain drain_;
  bool terminal_;
  std::string gathered_;
  std::uint64_t written_ = 0;
};

/// If standard output is a pipe, gives it room for 1 MiB: fewer, larger writes. Returns whether it is one that has as
/// much room.
bool widen_output_pipe();

/// If standard output is a pipe, how many bytes were written to it and not yet read; otherwise 0. Throws io.
std::uint64_t unread_output();

/// Whether the reader of standard output is gone for good. Only a pipe and a socket can tell.
bool output_reader_is_gone();

/// Notices that the reader of standard output goes away while nothing is written. A write would notice it too, but the
/// next one may never come. Make a ReaderWatch after Signals, because it starts a thread.
class ReaderWatch {
 public:
  /// Throws like system_error(), and busy if no thread can be started.
  ReaderWatch();
  ReaderWatch(const ReaderWatch&) = delete;
  ReaderWatch& operator=(const ReaderWatch&) = delete;
  ~ReaderWatch();

  /// Requested, by a thread of the watch's own, once the reader is gone.
  [[nodiscard]] std::stop_token gone() const { return gone_.get_token(); }

 private:
  void watch();

  std::stop_source gone_;
  EventDescriptor end_;
  std::optional<std::jthread> watcher_;  ///< only if the end of the reader can be seen
};

}  // namespace shardlog::cli

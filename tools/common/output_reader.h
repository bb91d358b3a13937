#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>

#include "tools/common/event_descriptor.h"

namespace shardlog::cli {

/// How many bytes are in the pipe that standard output is, written and not yet taken out; 0 where it is not a pipe.
/// Throws io.
std::uint64_t unread_output();

/// Whether the reader of standard output is gone for good, which only a pipe and a socket tell.
bool output_reader_is_gone();

/// Notices that the reader of standard output goes away while nothing is written. A write would tell, but the next one
/// may never come.
///
/// Make one after Signals, as any thread.
class ReaderWatch {
 public:
  /// Throws like system_error(), and busy if there is no thread to be had.
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
  std::optional<std::jthread> watcher_;  ///< only where a reader can be seen to go
};

}  // namespace shardlog::cli

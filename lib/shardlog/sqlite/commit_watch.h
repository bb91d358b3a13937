#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// How long to rely on notices alone: they are only hints.
constexpr Duration poll_interval = std::chrono::milliseconds(100);

/// Notices commits by a stream's `lock`, which a writer writes to or touches after each. (SQLite's own write to the WAL
/// can be seen before the commit is visible, and the commit itself not at all.) One serves all who wait for a stream in
/// one thread: a user may have 128 such watches in all (inotify(7)).
class CommitWatch {
 public:
  /// Watches from now on. Where the system has no watch left, wait() only waits.
  explicit CommitWatch(const std::string& lock_path);

  /// How often commits were noticed so far.
  std::uint64_t noticed();

  /// True when there was a commit since `seen` was noticed(), at once or within `timeout`; brings `seen` up to it.
  /// False at the timeout and when `stop` is requested.
  bool wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop);

 private:
  FileDescriptor stop_event_;
  FileDescriptor notify_;
  std::uint64_t noticed_ = 0;
};

}  // namespace shardlog::sqlite

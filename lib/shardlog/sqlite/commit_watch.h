#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// How long to rely on notices, which are only hints, before looking again.
constexpr Duration poll_interval = std::chrono::milliseconds(100);

/// Notices commits: a writer writes to a stream's `lock` after each of them, or touches it. (SQLite writes to the WAL
/// before the commit is visible, and no file shows the commit itself.) Objects that wait for the same stream in the
/// same thread share one watch, because a user may have only 128 watches (inotify(7)).
class CommitWatch {
 public:
  /// Watches from now on. If the system has no watch left, wait() just waits.
  explicit CommitWatch(const std::string& lock_path);

  /// How many times commits were noticed so far.
  std::uint64_t noticed();

  /// Waits until noticed() differs from `seen`, and brings `seen` up to it. False after `timeout`, or when `stop` is
  /// requested.
  bool wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop);

 private:
  FileDescriptor stop_event_;
  FileDescriptor notify_;
  std::uint64_t noticed_ = 0;
};

}  // namespace shardlog::sqlite

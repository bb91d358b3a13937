#pragma once

#include <stop_token>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// Notices commits by a stream's `lock`, which a writer writes to or touches after each. (SQLite's own write to
/// the WAL can be seen before the commit is visible, and the commit itself not at all.)
class CommitWatch {
 public:
  /// Watches from now on. Where the system has no watch left, wait() only waits.
  explicit CommitWatch(const std::string& lock_path);
  /// Never notices anything: for who wants to look at intervals only.
  CommitWatch();

  /// True when there was a commit since the last call, at once or within `timeout`. False at the timeout and when
  /// `stop` is requested. Each commit is told at most once.
  bool wait(Duration timeout, const std::stop_token& stop);

 private:
  FileDescriptor stop_event_;
  FileDescriptor notify_;
};

}  // namespace shardlog::sqlite

#pragma once

#include <SQLiteCpp/Database.h>

#include <memory>
#include <optional>
#include <string>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/commit_watch.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/database_files.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// Throws not_found or corrupt unless the directory holds a stream's files, as far as names and kinds go.
Paths find_stream(const std::string& name);

/// What the parts of an open stream have in common: its files, its database, and how it is read and changed.
class Session {
 public:
  /// As Engine::open().
  Session(const std::string& path, const OpenOptions& options, const Clock& clock);

  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] const WriterLock& lock() const { return lock_; }
  [[nodiscard]] const DatabaseFiles& files() const { return files_; }
  [[nodiscard]] const LockWait& lock_wait() const { return lock_wait_; }
  SQLite::Database& database() { return database_; }

  /// Throws internal where the stream was opened for reading.
  Committer& committer() {
    if (!committer_) throw Error(ErrorCode::internal, "the stream was opened for reading only");
    return *committer_;
  }

  /// The settings and shards as they were when it was opened.
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }

  /// One for all who wait in this thread.
  std::shared_ptr<CommitWatch> watch() {
    if (!watch_) watch_ = std::make_shared<CommitWatch>(paths_.lock());
    return watch_;
  }

  /// Runs `work` with errors that name the stream.
  template <typename Work>
  auto naming(const Work& work) {
    return named(paths_.name, work);
  }

  /// The same, in a read transaction.
  template <typename Work>
  auto in_snapshot(const Work& work) {
    return naming([&] {
      const Snapshot snapshot(database_, lock_wait_);
      return work();
    });
  }

  /// Commits what `change` does. Returns whether that changed anything.
  template <typename Change>
  bool changing(Sync sync, Told told, const Change& change) {
    return naming([&] {
      bool changed = false;
      const auto make = [&] { changed = change(); };
      committer().commit(sync, make, told);
      return changed;
    });
  }

 private:
  Paths paths_;
  const Clock& clock_;
  WriterLock lock_;
  DatabaseFiles files_;
  LockWait lock_wait_;
  SQLite::Database database_;
  Configuration configuration_;
  std::optional<Committer> committer_;
  std::shared_ptr<CommitWatch> watch_;
};

}  // namespace shardlog::sqlite

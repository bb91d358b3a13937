#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/commit_watch.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// What the parts of an open stream share: its files, its database, and how it is read and changed.
class Session {
 public:
  /// As Engine::open().
  Session(const std::string& path, const OpenOptions& options, const Clock& clock);

  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] const WriterLock& lock() const { return lock_; }
  [[nodiscard]] const DatabaseFiles& files() const { return files_; }
  [[nodiscard]] const LockWait& lock_wait() const { return lock_wait_; }
  Database& database() { return database_; }
  /// Null if the stream has no segments.
  [[nodiscard]] const SegmentFiles* segments() const { return segments_ ? &*segments_ : nullptr; }

  /// Whether the stream was opened for writing.
  [[nodiscard]] bool writes() const { return committer_.has_value(); }

  /// Throws internal if the stream was opened for reading.
  Committer& committer() {
    if (!committer_) throw Error(ErrorCode::internal, "the stream was opened for reading only");
    return *committer_;
  }

  /// The configuration as it was when it was last read.
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }

  /// The same as it is now. REQUIRES: a transaction is open
  const Configuration& current_configuration() {
    refresh(configuration_, database_, *version_, committer_ ? Access::write : Access::read);
    return configuration_;
  }

  /// One for everybody that waits in this thread.
  std::shared_ptr<CommitWatch> watch() {
    if (!watch_) watch_ = std::make_shared<CommitWatch>(paths_.lock());
    return watch_;
  }

  /// Runs `work`, and adds the stream's name to its errors.
  template <typename Work>
  auto naming(const Work& work) {
    return named(paths_.name, work);
  }

  /// The same, in a read transaction. Throws not_found if the stream was removed: SQLite still reads files that are
  /// gone.
  template <typename Work>
  auto in_snapshot(const Work& work) {
    return naming([&] {
      lock_.check_present();
      files_.check_present();
      const Snapshot snapshot(database_, lock_wait_);
      return work();
    });
  }

  /// The same, and passes the database and its configuration to `work`.
  template <typename Work>
  auto reading(const Work& work) {
    return in_snapshot([&] { return work(database_, current_configuration()); });
  }

  /// Commits what `change` does. Returns the result of `change`: whether it changed anything.
  template <typename Change>
  bool changing(Sync sync, Told told, const Change& change) {
    return naming([&] {
      bool changed = false;
      const auto make = [&] { changed = change(); };
      committer().commit(sync, make, told);
      return changed;
    });
  }

  /// Commits what `change` does unless that would mean waiting: as Committer::commit_if_free(). A stream that is open
  /// for reading can do that too. Throws permission, or unsupported, if it can only be read.
  bool changing_if_free(const std::function<void()>& change, std::int64_t appended_pages);

 private:
  /// By which a stream that is open for reading is changed.
  struct Aside {
    Aside(const Session& session, Database& database);

    WriterLock lock;
    Committer committer;
  };

  Aside& aside();

  Paths paths_;
  const Clock& clock_;
  OpenOptions options_;
  WriterLock lock_;
  DatabaseFiles files_;
  LockWait lock_wait_;
  Database database_;
  Configuration configuration_;
  std::optional<SQLite::Statement> version_;  ///< select_configuration_version
  std::optional<SegmentFiles> segments_;
  std::optional<Committer> committer_;
  std::unique_ptr<Aside> aside_;  ///< from its first use on
  std::shared_ptr<CommitWatch> watch_;
};

}  // namespace shardlog::sqlite

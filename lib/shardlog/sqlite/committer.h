#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "shardlog/core/error.h"
#include "shardlog/log/stream.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/write_ahead_log.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// Whom a commit wakes.
enum class Told {
  followers,
  nobody,
};

/// Makes every change of a stream: takes the writer lock, runs the transaction, commits it, and does what follows.
class Committer {
 public:
  /// All but `options` must outlive it.
  Committer(Database& database, const Paths& paths, const WriterLock& lock, const DatabaseFiles& files,
            const OpenOptions& options, const Clock& clock);
  /// Empties a long write-ahead log, unless others are in the way.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// Runs `change` in a transaction of its own, commits it and wakes those in `told`. `change` is rolled back if
  /// it throws; what it does besides SQL must do no harm then. `appended_pages` is the most that it adds to the stream:
  /// a change that adds none may use the reserved space. Throws as Stream::append().
  void commit(Sync sync, const std::function<void()>& change, Told told = Told::followers,
              std::int64_t appended_pages = 0);

  /// The same for a change that can be made later, without a sync, and without a word to anybody. It waits for commits
  /// of other threads that share the mutex. Returns false, and changes nothing, if it had to wait for another process,
  /// lacks memory, or would begin a log that is left to others. Throws as Stream::append(), but not busy.
  bool commit_if_free(const std::function<void()>& change, std::int64_t appended_pages);

  /// For a process that commits only by the way: to begin and to empty the log is left to the writers.
  void leave_log() { leaves_log_ = true; }

  /// For a `change` that appends: how far its commit reaches. This is written down once the commit is synced.
  void reaches(const DurableMark& mark) { mark_ = mark; }

  /// For a change that stores nothing that anybody waits for: its commit wakes nobody.
  void tell_nobody() { told_ = Told::nobody; }

  /// For a change that accepts what is missing at the end. Without this call, nothing is committed to a stream whose
  /// end is missing.
  void allow_missing_end() { end_checked_ = true; }

  /// As Stream::make_durable().
  void make_durable();

  /// Copies the write-ahead log into the database file, unless readers are in the way. Throws as commit().
  void checkpoint();

 private:
  using Work = std::function<void(Duration left)>;

  /// How far a change has come, which says what a failure means.
  enum class Stage {
    preparing,   ///< it may be repeated
    changing,    ///< it is rolled back
    committing,  ///< it may be stored all the same
  };

  void under_lock(const Work& work);
  void try_under_lock(const Work& work, Duration end);
  void check_present() const;
  void check_end();
  void learn_outcome(Duration timeout);
  void prepare(Sync sync, Duration timeout, std::int64_t appended_pages);
  void announce(Sync sync) const;
  void run_transaction(Sync sync, const std::function<void()>& change, Duration timeout, std::int64_t appended_pages);
  void noting_failure(const std::string& what, const std::function<void(Stage& stage)>& work);
  void tidy_up();
  void note_failure(const Error& error);

  Database& database_;
  const WriterLock& lock_;
  const DatabaseFiles& files_;
  std::string directory_;
  const Clock& clock_;
  Duration timeout_;
  LockWait lock_wait_;
  WriteAheadLog log_;
  std::mutex own_mutex_;  ///< used if the options name none
  std::mutex& commit_mutex_;
  std::optional<DurableMark> mark_;  ///< of the commit that is under way
  Told told_ = Told::followers;      ///< likewise
  Sync sync_ = Sync::full;           ///< what the connection is set to
  std::optional<Error> failure_;     ///< of the disk: nothing is committed after it
  bool end_checked_ = false;         ///< one check is enough: the log can only be too short when it is opened
  bool leaves_log_ = false;
  bool waited_ = false;  ///< the last commit found the lock taken: there are other writers
};

}  // namespace shardlog::sqlite

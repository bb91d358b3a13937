#pragma once

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Transaction.h>

#include <optional>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"

namespace shardlog::sqlite {

/// Whether SQLite gave up because another process holds one of SQLite's own locks. "Locking protocol" means that too:
/// SQLite has tried a hundred times to begin a read (sqlite3.c, walTryBeginRead).
bool is_locked(const SQLite::Exception& error);

/// What to throw after waiting `timeout` for the stream in `directory`: busy, naming the processes that hold the writer
/// lock or a lock of SQLite's that shuts others out. Stopped processes come first: "process 123 (stream-get, stopped)".
Error held_too_long(const std::string& directory, Duration timeout);

/// The other processes that keep the write-ahead log from being emptied, in the same form: readers with a snapshot.
/// Empty if there are none.
std::string holders_of_log(const std::string& directory);

/// Waits while another process holds one of SQLite's locks. After a crash, this takes a moment: until that process has
/// recovered the log. It takes longer if that process is stopped meanwhile. SQLite itself never waits, except for a
/// checkpoint: no timeout would bound its waiting, and the caller would keep its own locks all that time.
class LockWait {
 public:
  /// `clock` must outlive it.
  LockWait(std::string directory, Duration timeout, const Clock& clock);

  /// Repeats `attempt` while it fails with is_locked(), in which case it must have changed nothing. Throws busy, naming
  /// the holders, after the timeout.
  template <typename Attempt>
  auto run(const Attempt& attempt) const {
    const Duration end = clock_->elapsed() + timeout_;
    while (true) {
      try {
        return attempt();
      } catch (const SQLite::Exception& error) {
        if (!is_locked(error)) throw;
      }
      rest(end);
    }
  }

 private:
  void rest(Duration end) const;

  std::string directory_;
  Duration timeout_;
  const Clock* clock_;
};

/// A read transaction, which ends with this object. It waits for locks when it begins, and never later.
class Snapshot {
 public:
  Snapshot(Database& database, const LockWait& lock_wait) {
    lock_wait.run([&] {
      transaction_.reset();
      transaction_.emplace(database);
      database.number("PRAGMA data_version");  // BEGIN alone takes no snapshot
    });
  }

 private:
  std::optional<SQLite::Transaction> transaction_;
};

}  // namespace shardlog::sqlite

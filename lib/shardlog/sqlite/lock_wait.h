#pragma once

#include <SQLiteCpp/Exception.h>

#include <string>

#include "shardlog/core/clock.h"

namespace shardlog::sqlite {

/// Whether SQLite gave up because another process holds one of its own locks. "Locking protocol" means that too: SQLite
/// has tried a hundred times to begin a read (sqlite3.c, walTryBeginRead).
bool is_locked(const SQLite::Exception& error);

/// Waits where another process holds a lock of SQLite's: for a moment while it recovers the log after a crash, or as
/// long as it is stopped within that. SQLite itself never waits, except for a checkpoint: its own waiting is not
/// bounded by a timeout, and would go on with whatever the caller holds.
class LockWait {
 public:
  /// `clock` must outlive it.
  LockWait(std::string directory, Duration timeout, const Clock& clock);

  /// Repeats `attempt` as long as it fails with is_locked(), in which case it must have changed nothing. Throws busy,
  /// naming the holders, after the timeout.
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

}  // namespace shardlog::sqlite

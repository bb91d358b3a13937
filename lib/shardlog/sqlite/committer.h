#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/write_ahead_log.h"
#include "shardlog/sqlite/writer_lock.h"
#include "shardlog/stream.h"

namespace shardlog::sqlite {

/// Who is told of a commit.
enum class Notice {
  followers,  ///< of the stream: there is something new for them
  nobody,
};

/// What all changes of a stream have in common: the writer lock, the transaction, the commit, and what follows it.
class Committer {
 public:
  /// All must outlive it.
  Committer(SQLite::Database& database, const Paths& paths, const WriterLock& lock, const OpenOptions& options,
            const Clock& clock);
  /// Leaves a short write-ahead log behind.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// Runs `change` in a transaction of its own, commits it and wakes whoever is to be told. `change` does nothing but
  /// SQL. Errors as Stream::append() has them; what `change` throws rolls it back. `appended_pages` are the most that
  /// it adds to the stream; what adds none may use the space that is kept for it.
  void commit(Sync sync, const std::function<void()>& change, Notice notice = Notice::followers,
              std::int64_t appended_pages = 0);

  /// Copies the write-ahead log into the database file, unless readers are in the way. Throws as commit().
  void checkpoint();

 private:
  void under_lock(const std::function<void()>& work);
  void prepare(Sync sync, std::int64_t appended_pages);
  void run_transaction(Sync sync, const std::function<void()>& change, std::int64_t appended_pages);
  void tidy_up();
  void note_failure(const Error& error);

  SQLite::Database& database_;
  const WriterLock& lock_;
  Duration timeout_;
  WriteAheadLog log_;
  std::mutex own_mutex_;  ///< stands in where the options name none
  std::mutex& commit_mutex_;
  Sync sync_ = Sync::full;        ///< what the connection is set to
  std::optional<Error> failure_;  ///< of the disk: nothing is committed after it
  bool waited_ = false;           ///< for the lock, the last time: there are other writers
};

}  // namespace shardlog::sqlite

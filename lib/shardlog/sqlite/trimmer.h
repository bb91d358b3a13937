#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstddef>

#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// Removes what is past retention, and gives back space. Arrivals never decrease in commit order, so what is expired is
/// a prefix of it, and trimming moves the trim horizon on. It goes in steps of at most about 8 MiB or 1000 batches, or
/// 1 MiB given back, each a commit of its own, so that no writer waits for long.
class Trimmer {
 public:
  /// All must outlive it.
  Trimmer(SQLite::Database& database, Committer& committer, const LockWait& lock_wait, const Clock& clock);

  /// What a writer does as it goes, before it appends `batches`: looks now and then whether there is something to do,
  /// and does at most as much as keeps pace with it. Space is given back once more than half of the file has been free
  /// for an hour. Throws as Stream::append().
  void go_on(Duration retention, std::size_t batches);

  /// Trims all that is expired, and gives back all free space. Throws as Stream::append().
  void finish(Duration retention);

 private:
  [[nodiscard]] bool something_expired(Duration retention);
  void trim_step();
  void give_back_if_due();
  [[nodiscard]] std::int64_t free_pages();

  SQLite::Database& database_;
  Committer& committer_;
  const LockWait& lock_wait_;
  const Clock& clock_;
  Configuration configuration_;  ///< of version 0, which no stream has, until it is loaded
  Duration next_look_ = Duration::min();
  bool behind_ = false;  ///< more was expired than the last look has trimmed
  SQLite::Statement version_;
  SQLite::Statement first_arrival_;
  SQLite::Statement rows_;
};

}  // namespace shardlog::sqlite

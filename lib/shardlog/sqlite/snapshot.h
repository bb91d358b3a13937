#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>

#include <optional>

#include "shardlog/sqlite/lock_wait.h"

namespace shardlog::sqlite {

/// A read transaction, which ends with this object. Whatever there is to wait for is waited for at its beginning.
class Snapshot {
 public:
  Snapshot(SQLite::Database& database, const LockWait& lock_wait) {
    lock_wait.run([&] {
      transaction_.reset();
      transaction_.emplace(database);
      database.exec("PRAGMA data_version");  // BEGIN alone takes no snapshot
    });
  }

 private:
  std::optional<SQLite::Transaction> transaction_;
};

}  // namespace shardlog::sqlite

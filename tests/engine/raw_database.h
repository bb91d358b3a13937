#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <cstdint>
#include <string>

namespace shardlog::test {

/// The database of a stream, opened by somebody who knows none of the engine's rules, to damage it or to be in its way.
/// It leaves checkpoints alone.
class RawDatabase : public SQLite::Database {
 public:
  explicit RawDatabase(const std::string& stream)
      : SQLite::Database(stream + "/stream.db", SQLite::OPEN_READWRITE, 10'000) {
    sqlite3_db_config(getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    exec("PRAGMA wal_autocheckpoint=0");
  }

  std::int64_t number(const std::string& query) { return execAndGet(query).getInt64(); }
  std::string text(const std::string& query) { return execAndGet(query).getString(); }
};

/// Holds the snapshot of this moment until it is let go, as a reader that was stopped does.
class PinnedReader {
 public:
  explicit PinnedReader(const std::string& stream) : database_(stream) {
    database_.exec("BEGIN");
    database_.number("SELECT count(*) FROM settings");
  }
  void let_go() { database_.exec("ROLLBACK"); }

 private:
  RawDatabase database_;
};

}  // namespace shardlog::test

#include "shardlog/sqlite/database.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cstddef>
#include <exception>
#include <optional>

#include "shardlog/sqlite/file_layer.h"
#include "shardlog/sqlite/schema.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t most_idle = 4;  ///< of one text, after many readers had one each

constexpr int longest_value = 64 * 1024 * 1024;  // bytes; a batch is smaller

void configure(sqlite3* connection) {
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  // A checkpoint at close would run without the writer lock.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, longest_value);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
}

ErrorCode code_of(const SQLite::Exception& error) {
  if (error.getExtendedErrorCode() == SQLITE_IOERR_NOMEM) return ErrorCode::busy;
  switch (error.getExtendedErrorCode() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return ErrorCode::busy;
    case SQLITE_FULL:
      return ErrorCode::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::permission;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorCode::io;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_INTERNAL:
      return ErrorCode::internal;
    default:  // the statements are fixed and the schema was checked, so anything else is damage
      return ErrorCode::corrupt;
  }
}

/// Returns the journal mode. SQLite answers before it commits, so the statement is run to its end.
std::string switch_to_write_ahead_log(Database& database) {
  SQLite::Statement change(database, "PRAGMA journal_mode=WAL");
  std::string journal;
  while (change.executeStep()) journal = change.getColumn(0).getString();
  return journal;
}

/// Why a file of the stream could not be opened; empty if that is not what failed.
std::optional<Error> reason_of(const SQLite::Exception& error) {
  const int reason = opening_failure(error.getExtendedErrorCode());
  if (reason == 0) return std::nullopt;
  return system_error("open stream.db", reason);
}

/// Whether a file is missing that the user may not make, with read permission only.
/// False if the system lacks a resource.
bool is_missing(const SQLite::Exception& error) {
  const auto reason = reason_of(error);
  const bool lack = reason && (reason->code() == ErrorCode::busy || reason->code() == ErrorCode::full);
  return (error.getExtendedErrorCode() & 0xff) == SQLITE_CANTOPEN && !lack;
}

Database open_files(const Paths& paths, OpenMode mode) {
  int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  flags |= mode == OpenMode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  Database database(paths.database(), flags, 0, file_layer());
  configure(database.getHandle());
  try {
    database.exec(
        "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
        "PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY");
  } catch (const SQLite::Exception& error) {
    if (mode != OpenMode::read_only || !is_missing(error)) throw;
    throw Error(
        ErrorCode::permission,
        "stream.db-shm is missing and you may not make it: somebody with write permission must open the stream once");
  }
  if (mode == OpenMode::create) {
    database.exec(fmt::format("PRAGMA page_size={}; PRAGMA auto_vacuum=INCREMENTAL", page_size));
    const std::string journal = switch_to_write_ahead_log(database);
    if (journal != "wal") {
      throw Error(ErrorCode::cannot_create, "this file system cannot hold a write-ahead log (got " + journal + ")");
    }
  }
  return database;
}

}  // namespace

std::int64_t Database::number(const std::string& query) {
  Prepared statement(*this, query);
  statement.executeStep();
  return statement.getColumn(0).getInt64();
}

SQLite::Statement Database::take(const std::string& sql) {
  const auto found = idle_.find(sql);
  if (found == idle_.end() || found->second.empty()) return {*this, sql};
  SQLite::Statement statement = std::move(found->second.back());
  found->second.pop_back();
  return statement;
}

void Database::keep(SQLite::Statement statement) {
  statement.tryReset();  // otherwise it would keep its transaction from ending
  statement.clearBindings();
  std::vector<SQLite::Statement>& idle = idle_[statement.getQuery()];
  if (idle.size() < most_idle) idle.push_back(std::move(statement));
}

Prepared::~Prepared() {
  if (database_ == nullptr) return;
  try {
    database_->keep(static_cast<SQLite::Statement&&>(*this));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the next one is prepared again
  }
}

Database open_database(const Paths& paths, OpenMode mode) {
  try {
    return open_files(paths, mode);
  } catch (const SQLite::Exception& error) {
    if (const auto reason = reason_of(error)) throw Error(*reason);
    throw;
  }
}

bool header_forbids_writing(Database& database) {
  constexpr sqlite3_int64 offset = 18;
  constexpr unsigned char write_ahead_log = 2;
  sqlite3_file* file = nullptr;
  unsigned char version = 0;
  return sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
         file->pMethods->xRead(file, &version, 1, offset) == SQLITE_OK && version > write_ahead_log;
}

Error translate(const SQLite::Exception& error, const std::string& what) {
  return {code_of(error), fmt::format("{}: {}", what, error.what())};
}

}  // namespace shardlog::sqlite

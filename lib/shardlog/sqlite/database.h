#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

/// A connection to stream.db. It keeps prepared statements for their next use: a short read needs twenty of them, and
/// SQLite takes longer to prepare one than to run it.
class Database : public SQLite::Database {
 public:
  using SQLite::Database::Database;

  /// The number in the one row that a query without parameters yields.
  std::int64_t number(const std::string& query);

 private:
  friend class Prepared;

  SQLite::Statement take(const std::string& sql);
  void keep(SQLite::Statement statement);

  std::unordered_map<std::string, std::vector<SQLite::Statement>> idle_;  ///< by their text
};

/// A statement that its database keeps for the next one with the same text. The database must outlive it, and stay
/// where it is.
class Prepared : public SQLite::Statement {
 public:
  Prepared(Database& database, const std::string& sql) : Statement(database.take(sql)), database_(&database) {}
  Prepared(Prepared&& other) noexcept
      : Statement(std::move(other)), database_(std::exchange(other.database_, nullptr)) {}
  Prepared& operator=(Prepared&&) = delete;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared();

 private:
  Database* database_;  ///< null once this was moved from
};

enum class OpenMode { create, read_write, read_only };

/// Opens stream.db with every setting that the promises of a stream rest on. The connection does not wait for locks:
/// see LockWait. Throws SQLite::Exception, and permission if the stream may only be read but SQLite would have to make
/// its shared memory first.
Database open_database(const Paths& paths, OpenMode mode);

/// Whether the header of stream.db names a version of SQLite's format that this SQLite may read and not write: a
/// damaged byte, because a stream never gets another one
/// (https://www.sqlite.org/fileformat2.html#file_format_version_numbers). SQLite itself speaks of a read-only database
/// then, as if the user lacked a permission.
bool header_forbids_writing(Database& database);

/// What a failure of SQLite means to the caller. The message begins with `what`.
Error translate(const SQLite::Exception& error, const std::string& what);

/// Runs `work`, and puts the stream's name in front of its errors.
template <typename Work>
auto named(const std::string& stream, const Work& work) {
  const std::string name = "stream " + quote(stream);
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    throw translate(error, name);
  } catch (const Error& error) {
    throw Error(error.code(), name + ": " + error.what());
  }
}

}  // namespace shardlog::sqlite

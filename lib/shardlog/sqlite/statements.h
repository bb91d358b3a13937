#pragma once

#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

/// The value of a BLOB column. The bytes are borrowed until the statement has run.
struct Blob {
  template <typename Bytes>
  explicit Blob(const Bytes& bytes) : data(std::data(bytes)), size(static_cast<int>(std::size(bytes))) {}

  const void* data;
  int size;
};

/// Binds one parameter: a number, a text or a Blob as it is, times in microseconds, an empty optional as NULL.
template <typename Value>
void bind_value(SQLite::Statement& statement, int parameter, const Value& value) {
  if constexpr (std::integral<Value>) {
    statement.bind(parameter, static_cast<std::int64_t>(value));
  } else {
    statement.bind(parameter, value);
  }
}
inline void bind_value(SQLite::Statement& statement, int parameter, const Blob& blob) {
  statement.bindNoCopy(parameter, blob.data, blob.size);
}
inline void bind_value(SQLite::Statement& statement, int parameter, Timestamp time) {
  statement.bind(parameter, microseconds(time));
}
inline void bind_value(SQLite::Statement& statement, int parameter, Duration duration) {
  statement.bind(parameter, std::int64_t{duration.count()});
}
template <typename Value>
void bind_value(SQLite::Statement& statement, int parameter, const std::optional<Value>& value) {
  value ? bind_value(statement, parameter, *value) : statement.bind(parameter);
}

/// The use of a statement with these values for its parameters. A statement that is not reset keeps its transaction
/// from ending, so the destructor always resets it.
class Use {
 public:
  template <typename... Values>
  explicit Use(SQLite::Statement& statement, const Values&... values) : statement_(statement) {
    int parameter = 0;
    (bind_value(statement, ++parameter, values), ...);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { statement_.tryReset(); }

  SQLite::Statement* operator->() { return &statement_; }
  SQLite::Statement& operator*() { return statement_; }

 private:
  SQLite::Statement& statement_;
};

/// Runs a statement that yields no rows. Returns how many rows it changed.
template <typename... Values>
int execute(Database& database, const std::string& sql, const Values&... values) {
  Prepared statement(database, sql);
  return Use(statement, values...)->exec();
}

/// Statements that are used again and again: each is prepared by its first use. The database must outlive them.
class Statements {
 public:
  explicit Statements(Database& database) : database_(database) {}

  template <typename... Values>
  Use use(const std::string& sql, const Values&... values) {
    return Use(prepared_.try_emplace(sql, database_, sql).first->second, values...);
  }

  /// Stores a row, in place of the one with the same key.
  template <typename... Values>
  void upsert(const std::string& table, const Values&... values) {
    auto found = prepared_.find(table);
    if (found == prepared_.end()) found = prepared_.try_emplace(table, database_, upsert_into(table)).first;
    Use(found->second, values...)->exec();
  }

 private:
  Database& database_;
  std::map<std::string, SQLite::Statement> prepared_;  ///< by their text, or the name of the table
};

}  // namespace shardlog::sqlite

#pragma once

#include <SQLiteCpp/Statement.h>

namespace shardlog::sqlite {

/// The use of a prepared statement. One that is left standing keeps its transaction from ending, so it is reset
/// whatever happens.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { statement_.tryReset(); }

  SQLite::Statement* operator->() { return &statement_; }
  SQLite::Statement& operator*() { return statement_; }

 private:
  SQLite::Statement& statement_;
};

}  // namespace shardlog::sqlite

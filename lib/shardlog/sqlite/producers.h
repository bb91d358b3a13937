#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/producer.h"

namespace shardlog::sqlite {

/// How far the producers have come: the table `producers`. All of it REQUIRES that a transaction is open, and throws
/// corrupt where a row is not what was written. Where a row is not found all others are looked at: it may be one whose
/// name is damaged.
class Producers {
 public:
  /// The database must outlive it.
  explicit Producers(SQLite::Database& database);

  /// In the order of names, then of sources.
  std::vector<Producer> all();
  std::vector<Producer> of(const std::string& name);

  /// Makes the moves in their order. Throws fenced where one of them does not begin where the producer is; the
  /// transaction must not be committed then.
  void move(std::span<const ProducerMove> moves, Timestamp now);

  /// Removes all places of a producer; false where it has none.
  bool forget(const std::string& name);

  /// Brings times behind `now` back to it.
  void limit_times(Timestamp now);

  /// Reports each row that is damaged, one by one.
  void verify(const std::function<void(const std::string&)>& report);

 private:
  std::optional<Producer> find(const ProducerId& id);
  void store(const Producer& producer);

  SQLite::Statement select_all_;
  SQLite::Statement select_;
  SQLite::Statement replace_;
  SQLite::Statement remove_;
};

/// Throws usage where a name, a source or a proof is not within its limits.
void check_moves(std::span<const ProducerMove> moves);

}  // namespace shardlog::sqlite

#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/producer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

/// The table `producers`: how far each producer has come. Every function REQUIRES an open transaction, and throws
/// corrupt if a row is not what was written. If a producer is not found, all rows are checked: one of them may be its
/// row with a damaged name.
class Producers {
 public:
  /// The database must outlive it.
  explicit Producers(Database& database) : statements_(database) {}

  /// Ordered by name, then by source.
  std::vector<Producer> all();
  std::vector<Producer> of(const std::string& name);

  /// Makes the moves in their order. Throws fenced if a producer is not where its move begins: then the transaction
  /// must not be committed.
  void move(std::span<const ProducerMove> moves, Timestamp now);

  /// Removes all positions of a producer; false if it has none.
  bool forget(const std::string& name);

  /// Sets times later than `now` to `now`.
  void limit_times(Timestamp now);

  /// Reports each damaged row.
  void verify(const std::function<void(const std::string&)>& report);

 private:
  std::optional<Producer> find(const ProducerId& id);
  void store(const Producer& producer);

  Statements statements_;
};

/// Throws usage for a name, a source or a proof that exceeds its limits.
void check_moves(std::span<const ProducerMove> moves);

}  // namespace shardlog::sqlite

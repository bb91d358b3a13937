#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/sqlite/durable_mark.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

/// Batches that were on disk and are missing at the end, once a person has chosen to go on without them. How many they
/// were is known, and not of which shards. So every open shard goes on behind as many sequence numbers as records are
/// missing in all: more than it needs, and none is used twice.
///
///     batches   1 2 3 | 4 5 6 | 7 8 ...      the index has a row behind 3 and one behind 6: the tail before the loss,
///                       lost                 and the tail after it, where everything goes on
///
/// All of it REQUIRES that a transaction is open, and throws corrupt.
namespace shardlog::sqlite {

/// Puts what is missing before `mark` on record in the database and `configuration`, and makes the place from which all
/// goes on. Does nothing if nothing is missing.
void accept_loss(SQLite::Database& database, Configuration& configuration, const std::optional<DurableMark>& mark,
                 Timestamp now);

/// Moves a tail past the batches that were lost right after it; false if none were.
bool pass_loss(SQLite::Database& database, const Configuration& configuration, Tail& tail);

/// Moves a tail past whatever was lost before `row`, then past `row`.
void advance(SQLite::Database& database, const Configuration& configuration, Tail& tail, const BatchRow& row);

/// The sequence numbers that no record has, because of losses behind the trim horizon.
class LostNumbers {
 public:
  LostNumbers(SQLite::Database& database, const Configuration& configuration);

  /// How many of a shard's numbers from `first` on and before `behind`.
  [[nodiscard]] std::int64_t within(const ShardRow& row, std::int64_t first, std::int64_t behind) const;

  /// The first number from `first` on that is not lost, and the last before `behind`.
  [[nodiscard]] std::int64_t first_kept(const ShardRow& row, std::int64_t first) const;
  [[nodiscard]] std::int64_t last_kept(const ShardRow& row, std::int64_t behind) const;

 private:
  std::vector<std::pair<Tail, Tail>> losses_;  ///< in their order: before and behind each
};

}  // namespace shardlog::sqlite

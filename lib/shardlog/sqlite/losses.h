#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/writer_lock.h"

/// Batches that were on disk and are missing at the end of the stream, and how it goes on without them once a person
/// has accepted the loss. It is known how many records they held, but not of which shards. So every open shard skips as
/// many sequence numbers as there are missing records in all: more than it needs, but no number is used twice.
///
///     batches   1 2 3 | 4 5 6 | 7 8 ...      the index has a row after 3 and one after 6: the tail before the loss,
///                       lost                 and the tail after it, from which everything goes on
///
/// Every function REQUIRES an open transaction, or the writer lock, and throws corrupt.
namespace shardlog::sqlite {

/// The newest batch that anything in the database knows of: batches, the index, or the trim horizon.
std::int64_t newest_known_batch(Database& database);

/// The error for a stream that ends before `mark`: corrupt, with how much is missing, as far as that can be known.
Error lost_tail(Database& database, const DurableMark& mark);

/// Records in the database and in `configuration` what is missing before `mark`, and adds the tail from which
/// everything goes on. Does nothing if nothing is missing.
void accept_loss(Database& database, Configuration& configuration, const std::optional<DurableMark>& mark,
                 Timestamp now);

/// Moves a tail past the batches that were lost right after it, if there are any.
void pass_loss(Database& database, const Configuration& configuration, Tail& tail);

/// Moves a tail past whatever was lost before `row`, then past `row`.
void advance(Database& database, const Configuration& configuration, Tail& tail, const BatchRow& row);

/// The sequence numbers after the trim horizon that were skipped because of losses.
class LostNumbers {
 public:
  LostNumbers(Database& database, const Configuration& configuration);

  /// How many of a shard's numbers from `first` to before `end` are lost.
  [[nodiscard]] std::int64_t within(const ShardRow& row, std::int64_t first, std::int64_t end) const;

  /// The first number from `first` on that is not lost, and the last before `end`.
  [[nodiscard]] std::int64_t first_kept(const ShardRow& row, std::int64_t first) const;
  [[nodiscard]] std::int64_t last_kept(const ShardRow& row, std::int64_t end) const;

 private:
  std::vector<std::pair<Tail, Tail>> losses_;  ///< in their order: the tails before and after each
};

}  // namespace shardlog::sqlite

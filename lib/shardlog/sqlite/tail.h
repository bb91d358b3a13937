#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/stretch.h"

namespace shardlog::sqlite {

/// Where one shard stands at some point of the commit order.
struct ShardTail {
  std::int64_t shard = 0;
  std::int64_t next_sequence = 1;
  // Of all its batches before that point, the trimmed ones too:
  std::int64_t records = 0;  ///< fewer than its sequence numbers where some were lost
  std::int64_t bytes = 0;    ///< data and keys
  std::int64_t appends = 0;  ///< commits that stored something in it
  std::optional<Timestamp> last_arrival{};

  friend bool operator==(const ShardTail&, const ShardTail&) = default;
};

/// Where every shard stands just behind a batch. Batches are the truth; a row of `batch_index` is a tail written down
/// now and then, so that the tail at any batch is one such row and a short scan away, however large the stream is. The
/// row of `trim_horizon` is the tail behind the newest batch that was trimmed: whatever has to be known of batches that
/// are gone is in it, so that none is kept for its numbers.
///
///     batches   1 2 3 4 5 | 6 7 8 9 ...      sequence numbers, arrivals and ids go on from there
///               trimmed   ^ trim horizon
class Tail {
 public:
  /// Before the first batch ever. Shards that no batch has touched yet are not listed.
  Tail() = default;

  [[nodiscard]] std::int64_t batch() const { return batch_; }
  [[nodiscard]] Timestamp last_arrival() const { return last_arrival_; }
  /// In the order of their numbers.
  [[nodiscard]] const std::vector<ShardTail>& shards() const { return shards_; }
  /// Nullptr where no batch has touched the shard.
  [[nodiscard]] const ShardTail* find(std::int64_t shard) const;
  /// The same, with counts of 0 for such a shard.
  [[nodiscard]] ShardTail counts_of(std::int64_t shard) const;

  /// The sequence number that the shard's next record has.
  [[nodiscard]] std::int64_t next_sequence(const ShardRow& row) const;

  /// How many sequence numbers all shards have given out so far. A tail that was read from the database has to be
  /// counted before.
  [[nodiscard]] std::int64_t numbers() const { return numbers_; }
  void count_numbers(const Configuration& configuration);

  /// Moves behind `row`. Throws corrupt where it does not continue the commit order, and its shard's sequence numbers.
  void advance(const BatchRow& row, const ShardRow& shard);

  // For a reader of some shards. From then on the tail is right for the shards whose batches it advances past, and can
  // no longer be written down.

  /// Moves past a batch of another shard. Throws corrupt where it does not continue the commit order.
  void pass(const BatchRow& row);
  /// Moves past all batches up to this one, which are of other shards.
  void skip_to(std::int64_t batch);

  /// Moves behind batches that are lost: every open shard goes on as if all their records had been its own.
  void lose(const Configuration& configuration, const LostBatches& loss);

  /// For who goes on across a repair of the clock, which brings arrivals back: the next one may be any.
  void forget_last_arrival() { last_arrival_ = Timestamp::min(); }
  void limit_arrivals(Timestamp latest);

  /// Whether the next batch is to have a row in the index: every 4 MiB or 1000 batches.
  [[nodiscard]] bool index_due() const;
  void index_written();
  /// The batch behind which the newest index row stands that this tail knows of.
  [[nodiscard]] std::int64_t indexed_batch() const { return indexed_batch_; }
  /// The batches since that row, or since the tail was read, up to here; empty if there are none.
  [[nodiscard]] std::optional<Stretch> stretch() const;

  /// As stored in the column `tails`, and back. Throws corrupt.
  [[nodiscard]] std::string encode() const;
  static Tail decode(std::int64_t batch, Timestamp last_arrival, std::string_view tails);

 private:
  void check_follows(const BatchRow& row) const;
  ShardTail& at(std::int64_t shard);

  std::int64_t batch_ = 0;
  Timestamp last_arrival_{};
  std::vector<ShardTail> shards_;
  std::vector<std::uint32_t> stretch_;  ///< at most Stretch::most_batches
  std::int64_t numbers_ = 0;
  std::int64_t indexed_batch_ = 0;
  std::int64_t batches_since_index_ = 0;
  std::int64_t bytes_since_index_ = 0;
};

/// Writes the index row that stands before the batch behind `tail`, and the stretch that it closes. REQUIRES: a
/// transaction is open
void write_index_row(SQLite::Database& database, const Tail& tail);

/// Of a new stream, in which nothing was trimmed. REQUIRES: a transaction is open
void create_horizon(SQLite::Database& database);

/// Behind the newest batch that was trimmed. Throws corrupt, also where a batch before it is still there: to skip that
/// would lose it in silence.
Tail load_horizon(SQLite::Database& database);

/// The same, whatever batches there are.
Tail read_horizon(SQLite::Database& database);

/// REQUIRES: a transaction is open
void store_horizon(SQLite::Database& database, const Tail& tail);

/// The same for the index row alone, which may be there already. REQUIRES: a transaction is open
void replace_index_row(SQLite::Database& database, const Tail& tail);

/// The newest batch that there has ever been, trimmed or not.
struct NewestBatch {
  std::int64_t id = 0;  ///< 0 where there was none
  Timestamp arrived_at;
};

/// A loss at the end counts as if it were there. Throws corrupt where it is damaged, or older than one that the index
/// knows of.
NewestBatch newest_batch(SQLite::Database& database, const Configuration& configuration);

/// The columns that read_indexed_tail() expects, and the tail of the row that a statement stands on. Throws corrupt.
constexpr std::string_view indexed_tail_columns = "batch, arrived_at, tails, checksum";
Tail read_indexed_tail(SQLite::Statement& row);

/// All indexed tails behind `after` and not beyond `last`.
std::vector<Tail> load_indexed_tails(SQLite::Database& database, std::int64_t after, std::int64_t last);

/// The newest tail of `start` and the index behind it for which `early_enough` holds. It holds for `start`, and when
/// for a tail then for all before it. Throws corrupt.
Tail load_indexed_tail(SQLite::Database& database, Tail start, const std::function<bool(const Tail&)>& early_enough);

/// Moves a tail to the newest batch, by way of the index or the trim horizon where that is shorter or batches between
/// are gone. Keeps its statements prepared for who does that before each commit. The database must outlive it.
class TailScan {
 public:
  explicit TailScan(SQLite::Database& database);

  /// REQUIRES: a transaction is open. Throws corrupt.
  void catch_up(const Configuration& configuration, Tail& tail);

 private:
  SQLite::Database& database_;
  SQLite::Statement newest_tails_;
  SQLite::Statement rows_;
};

/// The shard that a batch names. Throws corrupt where the stream has none such.
const ShardRow& shard_of(const Configuration& configuration, std::int64_t shard);

}  // namespace shardlog::sqlite

#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/database.h"
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

/// Where every shard stands right after a batch. The batches are the truth; now and then a tail is written down as a
/// row of `batch_index`, so that the tail after any batch is one row and a short scan away, however large the stream
/// is. The row of `trim_horizon` is the tail after the newest trimmed batch. It holds all that must be known of trimmed
/// batches, so that none has to be kept for its numbers.
///
///     batches   1 2 3 4 5 | 6 7 8 9 ...      sequence numbers, arrivals and ids go on from there
///               trimmed   ^ trim horizon
class Tail {
 public:
  /// Before the first batch of all. A tail does not list shards that have had no batch yet.
  Tail() = default;

  [[nodiscard]] std::int64_t batch() const { return batch_; }
  [[nodiscard]] Timestamp last_arrival() const { return last_arrival_; }
  /// In the order of their numbers.
  [[nodiscard]] const std::vector<ShardTail>& shards() const { return shards_; }
  /// Null if the shard has had no batch yet.
  [[nodiscard]] const ShardTail* find(std::int64_t shard) const;
  /// The same, with counts of 0 for such a shard.
  [[nodiscard]] ShardTail counts_of(std::int64_t shard) const;

  /// The sequence number of the shard's next record.
  [[nodiscard]] std::int64_t next_sequence(const ShardRow& row) const;

  /// How many sequence numbers all shards have given out so far. REQUIRES: if the tail was read from the database,
  /// count_numbers() has been called
  [[nodiscard]] std::int64_t numbers() const { return numbers_; }
  void count_numbers(const Configuration& configuration);

  /// Moves past `row`. Throws corrupt unless it continues the commit order and the sequence numbers of its shard.
  void advance(const BatchRow& row, const ShardRow& shard);

  // The next two are for a reader of some shards. After such a call the tail is right only for the shards whose batches
  // it advances past, and must not be written down.

  /// Moves past a batch of another shard. Throws corrupt unless it continues the commit order.
  void pass(const BatchRow& row);
  /// Moves past all batches up to this one, which are of other shards.
  void skip_to(std::int64_t batch) { batch_ = batch; }

  /// Moves past lost batches: every open shard goes on as if all their records had been its own.
  void lose(const Configuration& configuration, const LostBatches& loss);

  /// After this call, the next batch may have arrived at any time: a repair of the clock makes arrivals earlier.
  void forget_last_arrival() { last_arrival_ = Timestamp::min(); }
  /// Sets arrivals that are later than `latest` to `latest`.
  void limit_arrivals(Timestamp latest);

  /// Whether the index must get a row before the next batch: every 4 MiB or 1000 batches.
  [[nodiscard]] bool index_due() const;
  void index_written();
  /// The batch before the newest index row that this tail knows of.
  [[nodiscard]] std::int64_t indexed_batch() const { return indexed_batch_; }
  /// The batches from that row, or from where the tail was read, up to here; empty if there are none.
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

// All of the following REQUIRES that a transaction is open, and throws corrupt.

/// Writes `tail` as an index row, and the stretch that it closes.
void write_index_row(Database& database, const Tail& tail);

/// Writes an index row alone, in place of one that may exist.
void replace_index_row(Database& database, const Tail& tail);

/// The trim horizon of a new stream, from which nothing was trimmed.
void create_horizon(Database& database);

/// The tail after the newest trimmed batch. An earlier batch that still exists is damage: skipping it would lose it
/// without a word.
Tail load_horizon(Database& database);
/// The same, whatever batches exist.
Tail read_horizon(Database& database);
void store_horizon(Database& database, const Tail& tail);

struct NewestBatch {
  std::int64_t id = 0;  ///< 0 if there was none yet
  Timestamp arrived_at;
};

/// The newest batch that there has ever been, even if it was trimmed or is part of an accepted loss. If the index knows
/// of a newer one, that is damage.
NewestBatch newest_batch(Database& database, const Configuration& configuration);

/// The columns that read_indexed_tail() expects, and the tail in the row that a statement stands on.
constexpr std::string_view indexed_tail_columns = "batch, arrived_at, tails, checksum";
Tail read_indexed_tail(SQLite::Statement& row);

/// The indexed tails after the batch `after`, up to the one after the batch `last`.
std::vector<Tail> load_indexed_tails(Database& database, std::int64_t after, std::int64_t last);

/// Of `start` and the index rows after it, the newest tail for which `early_enough` holds. REQUIRES: it holds for
/// `start`, and if it holds for a tail, it also holds for all tails before that
Tail load_indexed_tail(Database& database, Tail start, const std::function<bool(const Tail&)>& early_enough);

/// Moves a tail to the newest batch, by way of the index or the trim horizon if that is shorter, or if batches in
/// between are gone. Keeps its statements, because a writer does this before each commit. The database must outlive it.
class TailScan {
 public:
  explicit TailScan(Database& database);

  void catch_up(const Configuration& configuration, Tail& tail);

 private:
  Database& database_;
  Prepared newest_tails_;
  Prepared rows_;
};

/// The shard that a batch names. Throws corrupt if the stream does not have it.
const ShardRow& shard_of(const Configuration& configuration, std::int64_t shard);

}  // namespace shardlog::sqlite

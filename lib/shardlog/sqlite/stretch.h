#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/sqlite/database.h"

namespace shardlog::sqlite {

/// The shards of batches that follow each other in commit order. A row of `batch_shards` holds one stretch, and is
/// written together with the row of `batch_index` that closes it. So a reader of one shard of a thousand looks at each
/// stretch once, and then fetches only its own batches. An SQL index on the shard would find them too, but each commit
/// would write a page of the index for each shard that it appends to: 5 to 60 times the size of the data.
///
///     batches     1 2 3 4 5 | 6 7 8 9 | 10 11       last = 5, shards = {0, 2, 2, 1, 0}; last = 9, ...
///                                       open        no row yet: a reader looks at each of these batches
///
/// Rows need not cover all batches: a reader looks at each batch between two rows, too.
class Stretch {
 public:
  static constexpr std::size_t most_batches = 1000;

  /// `shards` are those of the batches up to `last`, in their order. REQUIRES: at least one
  Stretch(std::int64_t last, const std::vector<std::uint32_t>& shards);
  /// The inverse of encoded(). Throws corrupt.
  static Stretch decode(std::int64_t last, std::string encoded);

  [[nodiscard]] std::int64_t first() const { return last_ - static_cast<std::int64_t>(size()) + 1; }
  [[nodiscard]] std::int64_t last() const { return last_; }
  /// The shard of a batch. REQUIRES: first() <= batch <= last()
  [[nodiscard]] std::uint32_t shard_of(std::int64_t batch) const;
  /// The batches of these shards, in their order. REQUIRES: `shards` is sorted
  [[nodiscard]] std::vector<std::int64_t> batches_of(std::span<const std::uint32_t> shards) const;

  /// As stored in the column `shards`: a byte that says how many bytes a number has (1, 2 or 4), and then a number for
  /// each batch.
  [[nodiscard]] const std::string& encoded() const { return encoded_; }

 private:
  Stretch() = default;
  [[nodiscard]] std::size_t width() const { return static_cast<unsigned char>(encoded_.front()); }
  [[nodiscard]] std::size_t size() const { return (encoded_.size() - 1) / width(); }

  std::int64_t last_ = 0;
  std::string encoded_;
};

/// The columns that read_stretch() expects, and the stretch in the row that a statement stands on. Throws corrupt.
constexpr std::string_view stretch_columns = "last_batch, shards, checksum";
Stretch read_stretch(SQLite::Statement& row);

/// REQUIRES: a transaction is open
void write_stretch(Database& database, const Stretch& stretch);

}  // namespace shardlog::sqlite

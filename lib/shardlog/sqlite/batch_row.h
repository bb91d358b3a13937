#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/database.h"

namespace shardlog::sqlite {

/// A row of `batches` without its payload.
struct BatchRow {
  std::int64_t id = 0;  ///< position in commit order over the whole stream, from 1, never reused
  std::int64_t shard = 0;
  std::int64_t first_sequence = 0;
  std::int64_t record_count = 0;
  Timestamp arrived_at;
  std::int64_t data_bytes = 0;
  /// Whether it is the first batch that its commit stored in its shard. So each row says by itself whether it counts as
  /// an append of the shard, even if the rows before it are trimmed or were not read.
  bool begins_append = false;
  std::uint64_t payload_checksum = 0;

  /// Covers all members above, so that a row can be trusted without reading its payload.
  [[nodiscard]] std::uint64_t checksum() const;

  [[nodiscard]] std::int64_t next_sequence() const { return first_sequence + record_count; }
};

/// The columns that read_batch_row() expects first in a result, and that are the first ones of `batches`.
constexpr std::string_view batch_row_columns =
    "id, shard, first_sequence, record_count, arrived_at, data_bytes, begins_append, payload_checksum, checksum";

/// A statement whose rows are the batches after `after` and up to `last`, in their order.
Prepared select_batches(Database& database, std::int64_t after,
                        std::int64_t last = std::numeric_limits<std::int64_t>::max());

/// The row that the statement stands on. Throws corrupt if its checksum is wrong, or a number is out of bounds.
BatchRow read_batch_row(SQLite::Statement& statement);

/// Binds these columns to the first parameters of a statement.
void bind_batch_row(SQLite::Statement& statement, const BatchRow& row);

}  // namespace shardlog::sqlite

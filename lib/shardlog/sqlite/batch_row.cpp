#include "shardlog/sqlite/batch_row.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <limits>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/record_batch_format.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

/// Its columns in their order, without the checksum.
std::array<std::int64_t, 8> numbers_of(const BatchRow& row) {
  return {row.id,
          row.shard,
          row.first_sequence,
          row.record_count,
          std::int64_t{row.arrived_at.time_since_epoch().count()},
          row.data_bytes,
          std::int64_t{row.begins_append},
          static_cast<std::int64_t>(row.payload_checksum)};
}

void check_bounds(const BatchRow& row) {
  stored_number("id", row.id, 1, most_counted);
  stored_number("shard", row.shard, 0, std::numeric_limits<std::uint32_t>::max());
  stored_number("first_sequence", row.first_sequence, 1, most_counted);
  stored_number("record_count", row.record_count, 1, format::max_records);
  stored_number("data_bytes", row.data_bytes, 0, format::max_body_size);
  stored_time("arrived_at", row.arrived_at.time_since_epoch().count());
}

}  // namespace

std::uint64_t BatchRow::checksum() const {
  const auto numbers = numbers_of(*this);
  return XXH3_64bits(numbers.data(), sizeof numbers);
}

Prepared select_batches(Database& database, std::int64_t after, std::int64_t last) {
  Prepared rows(database,
                fmt::format("SELECT {} FROM batches WHERE id > ? AND id <= ? ORDER BY id", batch_row_columns));
  rows.bind(1, after);
  rows.bind(2, last);
  return rows;
}

BatchRow read_batch_row(SQLite::Statement& statement) {
  BatchRow row;
  row.id = statement.getColumn(0).getInt64();
  row.shard = statement.getColumn(1).getInt64();
  row.first_sequence = statement.getColumn(2).getInt64();
  row.record_count = statement.getColumn(3).getInt64();
  row.arrived_at = Timestamp(Duration(statement.getColumn(4).getInt64()));
  row.data_bytes = statement.getColumn(5).getInt64();
  const std::int64_t begins_append = statement.getColumn(6).getInt64();
  row.begins_append = begins_append != 0;
  row.payload_checksum = static_cast<std::uint64_t>(statement.getColumn(7).getInt64());
  if (static_cast<std::uint64_t>(statement.getColumn(8).getInt64()) != row.checksum()) {
    throw Error(ErrorCode::corrupt, fmt::format("batch {}: checksum mismatch", row.id));
  }
  try {
    stored_number("begins_append", begins_append, 0, 1);
    check_bounds(row);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("batch {}: {}", row.id, error.what()));
  }
  return row;
}

void bind_batch_row(SQLite::Statement& statement, const BatchRow& row) {
  int parameter = 0;
  for (const std::int64_t column : numbers_of(row)) statement.bind(++parameter, column);
  statement.bind(++parameter, static_cast<std::int64_t>(row.checksum()));
}

}  // namespace shardlog::sqlite

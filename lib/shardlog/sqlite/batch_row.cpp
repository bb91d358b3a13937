#include "shardlog/sqlite/batch_row.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <limits>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/record_batch_format.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

std::uint64_t BatchRow::checksum() const {
  std::array<char, 7 * sizeof(std::int64_t)> bytes{};
  char* to = bytes.data();
  for (const std::int64_t column :
       {id, shard, first_sequence, record_count, std::int64_t{arrived_at.time_since_epoch().count()}, data_bytes}) {
    to = store(to, column);
  }
  store(to, payload_checksum);
  return XXH3_64bits(bytes.data(), bytes.size());
}

namespace {

void check_bounds(const BatchRow& row) {
  stored_number("id", row.id, 1, most_counted);
  stored_number("shard", row.shard, 0, std::numeric_limits<std::uint32_t>::max());
  stored_number("first_sequence", row.first_sequence, 1, most_counted);
  stored_number("record_count", row.record_count, 1, format::max_records);
  stored_number("data_bytes", row.data_bytes, 0, format::max_body_size);
  stored_time("arrived_at", row.arrived_at.time_since_epoch().count());
}

}  // namespace

BatchRow read_batch_row(SQLite::Statement& statement) {
  BatchRow row;
  row.id = statement.getColumn(0).getInt64();
  row.shard = statement.getColumn(1).getInt64();
  row.first_sequence = statement.getColumn(2).getInt64();
  row.record_count = statement.getColumn(3).getInt64();
  row.arrived_at = Timestamp(Duration(statement.getColumn(4).getInt64()));
  row.data_bytes = statement.getColumn(5).getInt64();
  row.payload_checksum = static_cast<std::uint64_t>(statement.getColumn(6).getInt64());
  if (static_cast<std::uint64_t>(statement.getColumn(7).getInt64()) != row.checksum()) {
    throw Error(ErrorCode::corrupt, fmt::format("batch {}: checksum mismatch", row.id));
  }
  try {
    check_bounds(row);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("batch {}: {}", row.id, error.what()));
  }
  return row;
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/batch_row.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"

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
  return row;
}

}  // namespace shardlog::sqlite

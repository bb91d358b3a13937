#include "shardlog/sqlite/segment_row.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <array>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/record_batch_format.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/statements.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::uint32_t magic = 0x53524c53;
constexpr std::size_t place_size = 32;
constexpr std::size_t checked_size = place_size - sizeof(std::uint64_t);
constexpr std::int64_t most_payload = format::max_body_size + 1024;  // a body and the largest header

std::uint64_t place_checksum(const BatchRow& row, const char* place) {
  const std::array<std::uint64_t, 2> batch{static_cast<std::uint64_t>(row.id), row.payload_checksum};
  return XXH3_64bits_withSeed(place, checked_size, XXH3_64bits(batch.data(), sizeof batch));
}

}  // namespace

std::int64_t SegmentRow::checksum() const {
  const std::array<std::int64_t, 4> numbers{id, end, std::int64_t{sealed}, last_batch};
  return static_cast<std::int64_t>(XXH3_64bits(numbers.data(), sizeof numbers));
}

SegmentRow read_segment_row(SQLite::Statement& statement) {
  const std::int64_t id = statement.getColumn(0).getInt64();
  try {
    const std::int64_t sealed = stored_number("sealed", statement.getColumn(2).getInt64(), 0, 1);
    const SegmentRow row{.id = stored_number("id", id, 1, most_counted),
                         .end = stored_number("end", statement.getColumn(1).getInt64(), 0, most_counted),
                         .sealed = sealed != 0,
                         .last_batch = stored_number("last_batch", statement.getColumn(3).getInt64(), 0, most_counted)};
    if (statement.getColumn(4).getInt64() != row.checksum()) throw_corrupt("checksum mismatch");
    return row;
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("segment {}: {}", id, error.what()));
  }
}

std::vector<SegmentRow> load_segments(Database& database) {
  std::vector<SegmentRow> segments;
  SQLite::Statement rows(database, fmt::format("SELECT {} FROM segments ORDER BY id", segment_columns));
  while (rows.executeStep()) segments.push_back(read_segment_row(rows));
  return segments;
}

void insert_segment(Database& database, const SegmentRow& row) {
  execute(database, insert_into("segments"), row.id, row.end, int{row.sealed}, row.last_batch, row.checksum());
}

bool replace_segment(Database& database, const SegmentRow& before, const SegmentRow& after) {
  return execute(database,
                 "UPDATE segments SET end = ?, sealed = ?, last_batch = ?, checksum = ? WHERE id = ? AND end = ? AND "
                 "sealed = ? AND last_batch = ?",
                 after.end, int{after.sealed}, after.last_batch, after.checksum(), before.id, before.end,
                 int{before.sealed}, before.last_batch) == 1;
}

std::string PayloadPlace::encode(const BatchRow& row) const {
  std::string bytes(place_size, '\0');
  char* to = store(bytes.data(), magic);
  to = store(to, static_cast<std::uint32_t>(size));
  to = store(store(to, segment), at);
  store(to, place_checksum(row, bytes.data()));
  return bytes;
}

std::optional<PayloadPlace> PayloadPlace::decode(const BatchRow& row, std::string_view bytes) {
  if (bytes.size() != place_size || load<std::uint32_t>(bytes.data()) != magic) return std::nullopt;
  if (load<std::uint64_t>(bytes.data() + checked_size) != place_checksum(row, bytes.data())) {
    throw_corrupt("the place of its payload: checksum mismatch");
  }
  const std::int64_t size = load<std::uint32_t>(bytes.data() + 4);
  return PayloadPlace{
      .segment = stored_number("segment", load<std::int64_t>(bytes.data() + 8), 1, most_counted),
      .at = stored_number("the place of its payload", load<std::int64_t>(bytes.data() + 16), 0, most_counted),
      .size = static_cast<std::size_t>(stored_number("the size of its payload", size, 1, most_payload))};
}

}  // namespace shardlog::sqlite

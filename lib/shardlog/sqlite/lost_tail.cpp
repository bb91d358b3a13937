#include "shardlog/sqlite/lost_tail.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// ", with 3 records", or empty if other damage keeps them from being counted.
std::string lost_records(SQLite::Database& database, const DurableMark& mark) {
  try {
    Tail tail;
    TailScan(database).catch_up(load_configuration(database, Access::read), tail);
    const std::int64_t records = mark.numbers - tail.numbers();
    return records > 0 ? fmt::format(", with {} record{}", records, records == 1 ? "" : "s") : "";
  } catch (const Error&) {
    return "";
  } catch (const SQLite::Exception&) {
    return "";
  }
}

}  // namespace

std::int64_t newest_known_batch(SQLite::Database& database) {
  return database
      .execAndGet(
          "SELECT max(ifnull((SELECT max(id) FROM batches), 0), ifnull((SELECT max(batch) FROM batch_index), 0), "
          "ifnull((SELECT batch FROM trim_horizon LIMIT 1), 0))")
      .getInt64();
}

Error lost_tail(SQLite::Database& database, const DurableMark& mark) {
  const std::int64_t first = newest_known_batch(database) + 1;
  const std::string batches =
      first == mark.batch ? fmt::format("batch {}", first) : fmt::format("batches {} to {}", first, mark.batch);
  return {ErrorCode::corrupt, fmt::format("the end is missing: {}{}", batches, lost_records(database, mark))};
}

}  // namespace shardlog::sqlite

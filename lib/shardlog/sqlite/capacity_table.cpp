#include "shardlog/sqlite/capacity_table.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr double nanoseconds = 1e9;                   // in a second
constexpr std::int64_t most = std::int64_t{1} << 60;  // nanoseconds: some 36 years

/// Levels are stored in nanoseconds. A longer debt than `most` cannot be earned anyway.
std::int64_t stored(double seconds) {
  return static_cast<std::int64_t>(
      std::clamp(std::round(seconds * nanoseconds), -static_cast<double>(most), static_cast<double>(most)));
}

double loaded(const std::string& name, std::int64_t level) {
  return static_cast<double>(stored_number(name, level, -most, most)) / nanoseconds;
}

std::int64_t checksum_of(std::int64_t shard, std::int64_t count, std::int64_t bytes, const std::string& boot,
                         std::int64_t since_boot) {
  return RowChecksum().add(shard).add(count).add(bytes).add(boot).add(since_boot).value();
}

}  // namespace

/// The row that the statement stands on.
capacity::Bucket CapacityTable::read_row(SQLite::Statement& row) const {
  const std::int64_t shard = row.getColumn(0).getInt64();
  const std::int64_t count = row.getColumn(1).getInt64();
  const std::int64_t bytes = row.getColumn(2).getInt64();
  const std::string boot = row.getColumn(3).getString();
  const std::int64_t since_boot = row.getColumn(4).getInt64();
  const std::string name = fmt::format("{} of shard {}", table_, shard);
  if (row.getColumn(5).getInt64() != checksum_of(shard, count, bytes, boot, since_boot)) {
    throw_corrupt(name + ": checksum mismatch");
  }
  return {{loaded(name, count), loaded(name, bytes)},
          {boot, Duration(stored_number(name, since_boot, 0, most_counted))}};
}

capacity::Bucket CapacityTable::load(ShardId shard) {
  sqlite::Use row = statements_.use(fmt::format("SELECT * FROM {} WHERE shard = ?", table_), shard.number());
  return row->executeStep() ? read_row(*row) : capacity::Bucket();
}

void CapacityTable::store(ShardId shard, const capacity::Bucket& bucket) {
  const std::int64_t count = stored(bucket.level.count);
  const std::int64_t bytes = stored(bucket.level.bytes);
  statements_.upsert(table_, shard.number(), count, bytes, bucket.at.boot, bucket.at.since_boot,
                     checksum_of(shard.number(), count, bytes, bucket.at.boot, bucket.at.since_boot.count()));
}

void CapacityTable::remove(ShardId shard) {
  statements_.use(fmt::format("DELETE FROM {} WHERE shard = ?", table_), shard.number())->exec();
}

void CapacityTable::verify(const std::function<void(const std::string&)>& report) {
  sqlite::Use rows = statements_.use(fmt::format("SELECT * FROM {} ORDER BY shard", table_));
  while (rows->executeStep()) {
    try {
      read_row(*rows);
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

capacity::Moment moment_of(const Clock& clock) {
  return {clock.boot(), clock.since_boot()};
}

}  // namespace shardlog::sqlite

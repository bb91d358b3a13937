#include "shardlog/sqlite/schema.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

struct Table {
  std::string_view name;
  std::string_view sql;
};

// In the order of their names. Times are microseconds since the epoch, sizes bytes. Nothing here is ever changed
// without a new format version: programs of one version expect these very texts.
constexpr std::array<Table, 9> tables{{
    {"batch_index",
     "CREATE TABLE batch_index("
     "batch INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, tails BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT"},
    {"batch_shards",
     "CREATE TABLE batch_shards("
     "last_batch INTEGER PRIMARY KEY, shards BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT"},
    {"batches",
     "CREATE TABLE batches("
     "id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, first_sequence INTEGER NOT NULL, record_count INTEGER NOT NULL, "
     "arrived_at INTEGER NOT NULL, data_bytes INTEGER NOT NULL, payload_checksum INTEGER NOT NULL, "
     "checksum INTEGER NOT NULL, payload BLOB NOT NULL) STRICT"},
    {"consumers",
     "CREATE TABLE consumers("
     "uuid TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL, created_at INTEGER NOT NULL, "
     "leases INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID"},
    {"leases",
     "CREATE TABLE leases("
     "consumer TEXT NOT NULL, shard INTEGER NOT NULL, owner TEXT, owner_process TEXT, owner_duration INTEGER, "
     "claimant TEXT, claimant_process TEXT, claimant_duration INTEGER, epoch INTEGER NOT NULL, counter INTEGER NOT "
     "NULL, generation INTEGER NOT NULL, "
     "checkpoint TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (consumer, shard)) STRICT, WITHOUT ROWID"},
    {"producers",
     "CREATE TABLE producers("
     "name TEXT NOT NULL, source TEXT NOT NULL, position TEXT NOT NULL, proof BLOB NOT NULL, "
     "moved_at INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (name, source)) STRICT, WITHOUT ROWID"},
    {"settings",
     "CREATE TABLE settings("
     "name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID"},
    {"shards",
     "CREATE TABLE shards("
     "id INTEGER PRIMARY KEY, first_hash_key BLOB NOT NULL, last_hash_key BLOB NOT NULL, parent INTEGER, "
     "adjacent_parent INTEGER, opened_at INTEGER NOT NULL, closed_at INTEGER, first_sequence INTEGER NOT NULL, "
     "checksum INTEGER NOT NULL) STRICT"},
    {"trim_horizon",
     "CREATE TABLE trim_horizon("
     "batch INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, tails BLOB NOT NULL, checksum INTEGER NOT NULL, "
     "mostly_free_since INTEGER) STRICT"},
}};

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

/// The next object; false where there is none. Throws corrupt where it is no table of ours.
bool next_table(SQLite::Statement& objects) {
  if (!objects.executeStep()) return false;
  const std::string name = objects.getColumn(0).getString();
  const bool ours = std::any_of(tables.begin(), tables.end(), [&](const Table& table) { return table.name == name; });
  if (!ours) refuse("stream.db holds a foreign object " + quote(name));
  return true;
}

}  // namespace

void create_schema(SQLite::Database& database) {
  for (const Table& table : tables) database.exec(std::string(table.sql));
  database.exec(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", application_id, format_version));
}

void check_schema(SQLite::Database& database) {
  if (database.execAndGet("PRAGMA application_id").getInt() != application_id)
    refuse("stream.db is not a stream's database");
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version > format_version) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the stream has format version {}, this program knows {}: use a newer shardlog", version,
                            format_version));
  }
  if (version != format_version) refuse(fmt::format("unknown format version {}", version));
  SQLite::Statement objects(database, "SELECT name, sql FROM sqlite_schema ORDER BY name");
  for (const Table& table : tables) {
    const bool there = next_table(objects);
    if (!there || objects.getColumn(0).getString() != table.name || objects.getColumn(1).getString() != table.sql) {
      refuse(fmt::format("stream.db: the table {} is not as it was made", table.name));
    }
  }
  if (next_table(objects)) refuse("stream.db: a table is there twice");
  if (database.execAndGet("PRAGMA journal_mode").getString() != "wal") refuse("stream.db has no write-ahead log");
}

}  // namespace shardlog::sqlite

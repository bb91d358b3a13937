#include "shardlog/sqlite/schema.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

namespace {

/// The text of a CREATE TABLE in three parts, because ALTER TABLE ADD COLUMN puts new columns before the end.
struct Table {
  std::string_view name;
  std::string_view columns;
  std::string_view end;        ///< ", PRIMARY KEY (consumer, shard)) STRICT"
  std::string_view feature{};  ///< streams without this feature do not have the table; empty: every stream has it

  [[nodiscard]] std::string beginning() const { return fmt::format("CREATE TABLE {}({}", name, columns); }
};

// In the order of their names. Times are microseconds since the epoch, sizes bytes. Nothing here is ever changed
// without a new format version: programs of one version expect exactly these texts, and further columns after them only
// if a feature announces them.
constexpr std::array<Table, 13> tables{{
    {"batch_index",
     "batch INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, tails BLOB NOT NULL, checksum INTEGER NOT NULL",
     ") STRICT"},
    {"batch_shards", "last_batch INTEGER PRIMARY KEY, shards BLOB NOT NULL, checksum INTEGER NOT NULL", ") STRICT"},
    {"batches",
     "id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, first_sequence INTEGER NOT NULL, record_count INTEGER NOT NULL, "
     "arrived_at INTEGER NOT NULL, data_bytes INTEGER NOT NULL, begins_append INTEGER NOT NULL, "
     "payload_checksum INTEGER NOT NULL, checksum INTEGER NOT NULL, payload BLOB NOT NULL",
     ") STRICT"},
    {"consumers",
     "uuid TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL, created_at INTEGER NOT NULL, "
     "leases INTEGER NOT NULL, checksum INTEGER NOT NULL",
     ") STRICT, WITHOUT ROWID"},
    {"leases",
     "consumer TEXT NOT NULL, shard INTEGER NOT NULL, owner TEXT, owner_process TEXT, owner_duration INTEGER, "
     "claimant TEXT, claimant_process TEXT, claimant_duration INTEGER, epoch INTEGER NOT NULL, counter INTEGER NOT "
     "NULL, "
     "generation INTEGER NOT NULL, checkpoint TEXT NOT NULL, checksum INTEGER NOT NULL",
     ", PRIMARY KEY (consumer, shard)) STRICT, WITHOUT ROWID"},
    {"metrics", "span INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL",
     ", PRIMARY KEY (span, start)) STRICT, WITHOUT ROWID"},
    {"producers",
     "name TEXT NOT NULL, source TEXT NOT NULL, position TEXT NOT NULL, proof BLOB NOT NULL, "
     "moved_at INTEGER NOT NULL, checksum INTEGER NOT NULL",
     ", PRIMARY KEY (name, source)) STRICT, WITHOUT ROWID"},
    {"read_capacity",
     "shard INTEGER PRIMARY KEY, calls INTEGER NOT NULL, bytes INTEGER NOT NULL, boot TEXT NOT NULL, "
     "since_boot INTEGER NOT NULL, checksum INTEGER NOT NULL",
     ") STRICT"},
    {"segments",
     "id INTEGER PRIMARY KEY, end INTEGER NOT NULL, sealed INTEGER NOT NULL, last_batch INTEGER NOT NULL, "
     "checksum INTEGER NOT NULL",
     ") STRICT", feature_segments},
    {"settings", "name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL", ") STRICT, WITHOUT ROWID"},
    {"shards",
     "id INTEGER PRIMARY KEY, first_hash_key BLOB NOT NULL, last_hash_key BLOB NOT NULL, parent INTEGER, "
     "adjacent_parent INTEGER, opened_at INTEGER NOT NULL, closed_at INTEGER, first_sequence INTEGER NOT NULL, "
     "checksum INTEGER NOT NULL",
     ") STRICT"},
    {"trim_horizon",
     "batch INTEGER PRIMARY KEY, arrived_at INTEGER NOT NULL, tails BLOB NOT NULL, checksum INTEGER NOT NULL, "
     "mostly_free_since INTEGER",
     ") STRICT"},
    {"write_capacity",
     "shard INTEGER PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL, boot TEXT NOT NULL, "
     "since_boot INTEGER NOT NULL, checksum INTEGER NOT NULL",
     ") STRICT"},
}};

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

const Table* find_table(std::string_view name) {
  const auto* const found =
      std::find_if(tables.begin(), tables.end(), [name](const Table& table) { return table.name == name; });
  return found == tables.end() ? nullptr : found;
}

bool is_part_of(const Table& table, const Features& features) {
  return table.feature.empty() || features.contains(table.feature);
}

std::vector<std::string_view> split(std::string_view list) {
  constexpr std::string_view comma = ", ";
  std::vector<std::string_view> items;
  std::size_t end = 0;
  while ((end = list.find(comma)) != std::string_view::npos) {
    items.push_back(list.substr(0, end));
    list.remove_prefix(end + comma.size());
  }
  items.push_back(list);
  return items;
}

std::vector<std::string_view> column_names(const Table& table) {
  std::vector<std::string_view> names;
  for (const std::string_view column : split(table.columns)) names.push_back(column.substr(0, column.find(' ')));
  return names;
}

std::vector<std::string_view> key_of(const Table& table) {
  constexpr std::string_view constraint = ", PRIMARY KEY (";
  if (!table.end.starts_with(constraint)) return {column_names(table).front()};  // "id INTEGER PRIMARY KEY"
  const std::string_view list = table.end.substr(constraint.size());
  return split(list.substr(0, list.find(')')));
}

/// A row of sqlite_schema: a table, an index, or another thing in a database.
struct Object {
  std::string type;
  std::string name;
  std::string table;  ///< the one that it belongs to; a table belongs to itself
  std::string sql;
};

std::vector<Object> load_objects(Database& database) {
  std::vector<Object> objects;
  SQLite::Statement rows(database, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name");
  while (rows.executeStep()) {
    objects.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString(), rows.getColumn(2).getString(),
                       rows.getColumn(3).getString()});
  }
  return objects;
}

/// The columns that were added to a table, as text; nullopt if it was changed in another way.
std::optional<std::string_view> added_to(const Table& table, std::string_view sql) {
  const std::string beginning = table.beginning();
  const bool additions_only =
      sql.size() >= beginning.size() + table.end.size() && sql.starts_with(beginning) && sql.ends_with(table.end);
  if (!additions_only) return std::nullopt;
  return sql.substr(beginning.size(), sql.size() - beginning.size() - table.end.size());
}

/// Throws corrupt unless there are columns after the known ones, and each belongs to a feature.
void check_added_columns(Database& database, const Table& table, const Features& features) {
  const std::size_t known = column_names(table).size();
  SQLite::Statement columns(database, fmt::format("PRAGMA table_xinfo({})", table.name));
  std::size_t count = 0;
  for (; columns.executeStep(); ++count) {
    const std::string name = columns.getColumn(1).getString();
    if (count >= known && !announced(features, name)) {
      refuse(fmt::format("stream.db: the table {} has the unknown column {}, and no feature announces it", table.name,
                         quote(name)));
    }
  }
  if (count <= known) refuse(fmt::format("stream.db: the table {} is not as it was made", table.name));
}

void check_table(Database& database, const Table& table, const Object& object, const Features& features) {
  const auto added = added_to(table, object.sql);
  if (object.type != "table" || !added) {
    refuse(fmt::format("stream.db: the table {} is not as it was made", table.name));
  }
  if (!added->empty()) check_added_columns(database, table, features);
}

void check_foreign(const Object& object, const Features& features) {
  const bool harmless = object.type == "table" || object.type == "index";
  if (harmless && (announced(features, object.name) || announced(features, object.table))) return;
  refuse("stream.db holds a foreign object " + quote(object.name));
}

void check_version(Database& database) {
  if (database.execAndGet("PRAGMA application_id").getInt() != application_id)
    refuse("stream.db is not a stream's database");
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version > format_version) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the stream has format version {}, this program knows {}: use a newer shardlog", version,
                            format_version));
  }
  if (version != format_version) refuse(fmt::format("unknown format version {}", version));
}

/// Reads the features. Throws corrupt unless their table has at least the known columns.
Features features_in(Database& database, const std::vector<Object>& objects, Access access) {
  const Table& settings = *find_table("settings");
  const auto there =
      std::find_if(objects.begin(), objects.end(), [&](const Object& object) { return object.name == settings.name; });
  if (there == objects.end() || there->type != "table" || !added_to(settings, there->sql)) {
    refuse("stream.db: the table settings is not as it was made");
  }
  return load_features(database, access);
}

}  // namespace

void create_schema(Database& database, const Features& features) {
  for (const Table& table : tables) {
    if (is_part_of(table, features)) database.exec(table.beginning() + std::string(table.end));
  }
  database.exec(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", application_id, format_version));
}

void check_schema(Database& database, Access access) {
  check_version(database);
  const std::vector<Object> objects = load_objects(database);
  // First, because a feature may explain everything else that is not as expected.
  const Features features = features_in(database, objects, access);
  std::vector<std::string_view> found;
  for (const Object& object : objects) {
    const Table* const table = find_table(object.name);
    if (table == nullptr || !is_part_of(*table, features)) {
      check_foreign(object, features);
    } else {
      check_table(database, *table, object, features);
      found.push_back(table->name);
    }
  }
  for (const Table& table : tables) {
    const auto count = std::count(found.begin(), found.end(), table.name);
    if (count != (is_part_of(table, features) ? 1 : 0))
      refuse(fmt::format("stream.db: the table {} is {}", table.name, count == 0 ? "missing" : "there twice"));
  }
  if (database.execAndGet("PRAGMA journal_mode").getString() != "wal") refuse("stream.db has no write-ahead log");
  if (access == Access::write && header_forbids_writing(database)) refuse("the header of stream.db is damaged");
}

std::string insert_into(std::string_view table) {
  const auto names = column_names(*find_table(table));
  const std::vector<std::string_view> parameters(names.size(), "?");
  return fmt::format("INSERT INTO {}({}) VALUES ({})", table, fmt::join(names, ", "), fmt::join(parameters, ", "));
}

std::string upsert_into(std::string_view table) {
  const auto key = key_of(*find_table(table));
  std::string changes;
  for (const std::string_view name : column_names(*find_table(table))) {
    if (std::find(key.begin(), key.end(), name) != key.end()) continue;
    changes += fmt::format("{}{} = excluded.{}", changes.empty() ? "" : ", ", name, name);
  }
  return fmt::format("{} ON CONFLICT ({}) DO UPDATE SET {}", insert_into(table), fmt::join(key, ", "), changes);
}

}  // namespace shardlog::sqlite

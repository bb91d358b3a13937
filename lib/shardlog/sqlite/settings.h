#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/log/settings.h"
#include "shardlog/sqlite/features.h"

namespace shardlog::sqlite {

/// Batches that were durable, are missing, and were given up for it.
struct LostBatches {
  std::int64_t after = 0;  ///< the batch before them
  std::int64_t last = 0;   ///< the last batch that is missing
  std::int64_t records = 0;
  Timestamp accepted_at{};

  friend bool operator==(const LostBatches&, const LostBatches&) = default;
};

struct ShardRow {
  Shard shard;
  std::int64_t first_sequence = 1;  ///< that its first record has or will have
};

/// What is stored about a stream apart from its records: the tables `settings` and `shards`.
struct Configuration {
  std::string uuid;
  Timestamp created_at;
  /// Raised by every change of anything here, so that a writer sees in one row whether it is up to date. It is also the
  /// version of the shard map.
  std::uint64_t version = 1;
  Features features;
  StreamSettings settings;
  Attributes attributes;
  bool unsafe_file_system = false;  ///< its creator accepted one
  std::vector<LostBatches> losses;  ///< in the order of their batches
  std::vector<ShardRow> shards;
  /// Settings of features that this program does not know, which stay as they are.
  std::map<std::string, std::string, std::less<>> further;

  [[nodiscard]] ShardMap map() const;
  /// As Stream::describe() tells them.
  [[nodiscard]] std::vector<Loss> told_losses() const;
};

/// Throws corrupt where what is stored is not what was written, and unsupported where its features forbid the access,
/// or where it has a value that only a newer program knows.
Configuration load_configuration(SQLite::Database& database, Access access);

/// The features alone, which say whether the rest may be looked at. Throws as load_configuration().
Features load_features(SQLite::Database& database, Access access);

/// Replaces what is stored, but for what this program does not know. REQUIRES: a transaction is open
void store_configuration(SQLite::Database& database, const Configuration& configuration);

/// The same for all but the shards, and for one shard. REQUIRES: a transaction is open
void store_settings(SQLite::Database& database, const Configuration& configuration);
void store_shard(SQLite::Database& database, const ShardRow& row);

/// For whoever asks for the version alone before each commit: the statement to prepare, and what it yields.
constexpr std::string_view select_configuration_version = "SELECT value FROM settings WHERE name = 'version'";
std::uint64_t read_configuration_version(SQLite::Statement& statement);

}  // namespace shardlog::sqlite

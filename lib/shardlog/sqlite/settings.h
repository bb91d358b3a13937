#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/log/settings.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/features.h"

namespace shardlog::sqlite {

/// Batches that were durable and are missing, a loss that a person has accepted.
struct LostBatches {
  std::int64_t after = 0;  ///< the batch before them
  std::int64_t last = 0;   ///< the last batch that is missing
  std::int64_t records = 0;
  Timestamp accepted_at{};

  friend bool operator==(const LostBatches&, const LostBatches&) = default;
};

struct ShardRow {
  Shard shard;
  std::int64_t first_sequence = 1;  ///< of its first record, which may still be to come
};

/// What is stored about a stream, apart from what is in it: the tables `settings` and `shards`.
struct Configuration {
  std::string uuid;
  Timestamp created_at;
  /// Raised by every change to the configuration. So a writer has to read only one row to see whether its copy is up to
  /// date. It is also the version of the shard map.
  std::uint64_t version = 1;
  Features features;
  StreamSettings settings;
  Attributes attributes;
  bool unsafe_file_system = false;  ///< whether its creator accepted one
  std::vector<LostBatches> losses;  ///< in the order of their batches
  std::vector<ShardRow> shards;     ///< the n-th is shard n
  /// Settings of features that this program does not know, kept as they are.
  std::map<std::string, std::string, std::less<>> further;

  [[nodiscard]] ShardMap map() const;
  /// The losses as Stream::describe() reports them.
  [[nodiscard]] std::vector<Loss> told_losses() const;
};

/// Throws corrupt if the stored configuration is damaged; unsupported if a feature forbids the access, or if only a
/// newer program knows a value.
Configuration load_configuration(Database& database, Access access);

/// The features alone, which say whether the rest may be read at all. Throws as load_configuration().
Features load_features(Database& database, Access access);

/// The first stores everything except the shards, the second stores one shard. Both leave alone what this program does
/// not know. REQUIRES: a transaction is open
void store_settings(Database& database, const Configuration& configuration);
void store_shard(Database& database, const ShardRow& row);

/// Loads the configuration again if it is not the one that is known any more, and returns whether it was. `version` is
/// a statement of select_configuration_version. Throws as load_configuration().
constexpr std::string_view select_configuration_version = "SELECT value FROM settings WHERE name = 'version'";
bool refresh(Configuration& known, Database& database, SQLite::Statement& version, Access access);

}  // namespace shardlog::sqlite

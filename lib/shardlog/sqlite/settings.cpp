#include "shardlog/sqlite/settings.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

namespace {

constexpr std::string_view tag_prefix = "tag:";
constexpr std::string_view attribute_prefix = "attribute:";
constexpr std::string_view loss_prefix = "loss:";
constexpr std::string_view feature_prefix = "feature:";
constexpr std::string_view checksum_name = "checksum";
constexpr std::string_view forever_text = "forever";

/// Names and values of the table `settings`, all as text, so that later versions can add others.
using Values = std::map<std::string, std::string, std::less<>>;

[[noreturn]] void refuse(const std::string& reason) {
  throw_corrupt("settings: " + reason);
}

constexpr const char* none_text = "none";

std::string text_of(const std::optional<std::uint64_t>& limit) {
  return limit ? std::to_string(*limit) : none_text;
}

/// The settings that this program knows.
Values known_values(const Configuration& configuration) {
  const Duration retention = configuration.settings.retention;
  const capacity::Limits& limits = configuration.settings.limits;
  Values values{
      {"uuid", configuration.uuid},
      {"created_at", std::to_string(microseconds(configuration.created_at))},
      {"version", std::to_string(configuration.version)},
      {"shards", std::to_string(configuration.shards.size())},
      {"max_record_size", std::to_string(configuration.settings.max_record_size)},
      {"retention", retention == forever ? std::string(forever_text) : std::to_string(retention.count())},
      {"compression", std::string(to_string(configuration.settings.compression))},
      {"mode", std::string(to_string(configuration.settings.mode))},
      {"write_records", text_of(limits.write_records)},
      {"write_bytes", text_of(limits.write_bytes)},
      {"read_bytes", text_of(limits.read_bytes)},
      {"read_calls", text_of(limits.read_calls)},
      {"unsafe_file_system", configuration.unsafe_file_system ? "1" : "0"},
  };
  if (configuration.settings.until_consumed) values.emplace("retention_consumed", "1");
  if (configuration.settings.max_bytes != unbounded) {
    values.emplace("max_bytes", std::to_string(configuration.settings.max_bytes));
    values.emplace("when_full", std::string(to_string(configuration.settings.when_full)));
  }
  for (const auto& [name, stored] : configuration.features) values.emplace(std::string(feature_prefix) + name, stored);
  for (const auto& [key, value] : configuration.settings.tags) values.emplace(std::string(tag_prefix) + key, value);
  for (const auto& [key, value] : configuration.attributes) values.emplace(std::string(attribute_prefix) + key, value);
  for (const LostBatches& loss : configuration.losses) {
    values.emplace(fmt::format("{}{}", loss_prefix, loss.after),
                   fmt::format("{} {} {}", loss.last, loss.records, microseconds(loss.accepted_at)));
  }
  return values;
}

const std::string& text_of(const Values& values, std::string_view name) {
  const auto found = values.find(name);
  if (found == values.end()) refuse(fmt::format("{} is missing", name));
  return found->second;
}

template <typename Number>
Number number_of(const Values& values, std::string_view name) {
  const auto number = parse_number<Number>(text_of(values, name));
  if (!number) refuse(fmt::format("{} is not a number", name));
  return *number;
}

/// A limit, or none.
std::optional<std::uint64_t> limit_of(const Values& values, std::string_view name) {
  if (text_of(values, name) == none_text) return std::nullopt;
  return number_of<std::uint64_t>(values, name);
}

/// Over all settings, so that damage to any of them is noticed whenever they are read: SQLite has no checksums.
std::string checksum_of(const Values& values) {
  std::string all;
  for (const auto& [name, value] : values) all += fmt::format("{}:{}={}:{}\n", name.size(), name, value.size(), value);
  return fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));
}

std::int64_t checksum_of(const ShardRow& row) {
  const auto id_or_none = [](const std::optional<ShardId>& id) { return id ? std::to_string(id->number()) : "-"; };
  const Shard& shard = row.shard;
  const std::string all = fmt::format(
      "{} {} {} {} {} {} {} {}\n", shard.id.number(), shard.range.first.to_string(), shard.range.last.to_string(),
      id_or_none(shard.parent), id_or_none(shard.adjacent_parent), microseconds(shard.opened_at),
      shard.closed_at ? std::to_string(microseconds(*shard.closed_at)) : "-", row.first_sequence);
  return static_cast<std::int64_t>(XXH3_64bits(all.data(), all.size()));
}

Values stored_values(Database& database) {
  Values values;
  SQLite::Statement rows(database, "SELECT name, value FROM settings");
  while (rows.executeStep()) values.emplace(rows.getColumn(0).getString(), rows.getColumn(1).getString());
  return values;
}

/// All settings without their checksum, which is checked.
Values load_values(Database& database) {
  Values values = stored_values(database);
  const auto checksum = values.extract(std::string(checksum_name));
  if (checksum.empty() || checksum.mapped() != checksum_of(values)) refuse("checksum mismatch");
  return values;
}

/// The settings whose names begin with `prefix`. The names in the result are without the prefix.
std::map<std::string, std::string> values_below(const Values& values, std::string_view prefix) {
  std::map<std::string, std::string> found;
  for (auto value = values.lower_bound(prefix); value != values.end() && value->first.starts_with(prefix); ++value) {
    found.emplace(value->first.substr(prefix.size()), value->second);
  }
  return found;
}

Features features_of(const Values& values, Access access) {
  const auto stored = values_below(values, feature_prefix);
  Features features(stored.begin(), stored.end());
  check_features(features, access);
  return features;
}

HashKey hash_key_of(const SQLite::Column& column) {
  HashKey::Bytes bytes{};
  if (!column.isBlob() || static_cast<std::size_t>(column.getBytes()) != bytes.size())
    refuse("a hash key is not 16 bytes");
  const auto* const from = static_cast<const unsigned char*>(column.getBlob());
  std::copy_n(from, bytes.size(), bytes.begin());
  return HashKey::from_bytes(bytes);
}

ShardId shard_id_of(const SQLite::Column& column) {
  const std::int64_t number = column.getInt64();
  if (number < 0 || !std::in_range<std::uint32_t>(number)) refuse("a shard id is out of range");
  return ShardId(static_cast<std::uint32_t>(number));
}

std::vector<ShardRow> load_shards(Database& database) {
  std::vector<ShardRow> shards;
  SQLite::Statement rows(database,
                         "SELECT id, first_hash_key, last_hash_key, parent, adjacent_parent, opened_at, closed_at, "
                         "first_sequence, checksum "
                         "FROM shards ORDER BY id");
  const auto time_of = [](const SQLite::Column& column) {
    return stored_time(fmt::format("shards: {}", column.getName()), column.getInt64());
  };
  while (rows.executeStep()) {
    ShardRow row{{shard_id_of(rows.getColumn(0)),
                  {hash_key_of(rows.getColumn(1)), hash_key_of(rows.getColumn(2))},
                  time_of(rows.getColumn(5))},
                 stored_number("shards: first_sequence", rows.getColumn(7).getInt64(), 1, most_counted)};
    if (!rows.isColumnNull(3)) row.shard.parent = shard_id_of(rows.getColumn(3));
    if (!rows.isColumnNull(4)) row.shard.adjacent_parent = shard_id_of(rows.getColumn(4));
    if (!rows.isColumnNull(6)) row.shard.closed_at = time_of(rows.getColumn(6));
    if (rows.getColumn(8).getInt64() != checksum_of(row)) {
      refuse(fmt::format("checksum mismatch of {}", row.shard.id.to_string()));
    }
    shards.push_back(row);
  }
  return shards;
}

/// A child's sequence numbers go on after those of its parents.
void check_first_sequences(const std::vector<ShardRow>& shards) {
  for (const ShardRow& row : shards) {
    std::int64_t least = 1;
    for (const auto& parent : {row.shard.parent, row.shard.adjacent_parent}) {
      if (parent) least = std::max(least, shards[parent->number()].first_sequence);
    }
    const bool right = row.shard.parent ? row.first_sequence >= least : row.first_sequence == least;
    if (!right) refuse(fmt::format("{} begins with sequence {}", row.shard.id.to_string(), row.first_sequence));
  }
}

/// These settings are there only if they were chosen.
void read_bound(const Values& values, StreamSettings& settings) {
  if (values.contains("retention_consumed"))
    settings.until_consumed = number_of<int>(values, "retention_consumed") != 0;
  if (!values.contains("max_bytes")) return;
  settings.max_bytes = number_of<std::uint64_t>(values, "max_bytes");
  if (settings.max_bytes > std::uint64_t{most_counted}) refuse("max_bytes is out of range");
  const auto when_full = parse_when_full(text_of(values, "when_full"));
  if (!when_full) refuse("when_full is " + quote(text_of(values, "when_full")));
  settings.when_full = *when_full;
}

StreamSettings settings_of(const Values& values) {
  StreamSettings settings;
  settings.max_record_size = number_of<std::uint64_t>(values, "max_record_size");
  if (text_of(values, "retention") != forever_text) {
    settings.retention = Duration(number_of<std::int64_t>(values, "retention"));
  }
  read_bound(values, settings);
  const auto compression = parse_compression(text_of(values, "compression"));
  if (!compression) {
    throw Error(ErrorCode::unsupported, fmt::format("settings: the compression {} is not known: use a newer shardlog",
                                                    quote(text_of(values, "compression"))));
  }
  settings.compression = *compression;
  const auto mode = parse_mode(text_of(values, "mode"));
  if (!mode) {
    throw Error(ErrorCode::unsupported, fmt::format("settings: the mode {} is not known: use a newer shardlog",
                                                    quote(text_of(values, "mode"))));
  }
  settings.mode = *mode;
  settings.limits = {limit_of(values, "write_records"), limit_of(values, "write_bytes"), limit_of(values, "read_bytes"),
                     limit_of(values, "read_calls")};
  settings.tags = values_below(values, tag_prefix);
  try {
    check(settings);
  } catch (const Error& error) {
    refuse(error.what());
  }
  return settings;
}

/// From the setting "loss:AFTER", "LAST RECORDS ACCEPTED_AT".
LostBatches loss_of(std::string_view after, std::string_view rest) {
  const auto next = [](std::string_view& text) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const auto number = parse_number<std::int64_t>(word);
    if (!number || *number < 0) refuse("a loss is not three numbers");
    return *number;
  };
  LostBatches loss;
  loss.after = next(after);
  loss.last = next(rest);
  loss.records = next(rest);
  loss.accepted_at = Timestamp(Duration(next(rest)));
  return loss;
}

std::vector<LostBatches> losses_of(const Values& values) {
  std::vector<LostBatches> losses;
  for (const auto& [after, value] : values_below(values, loss_prefix)) losses.push_back(loss_of(after, value));
  std::ranges::sort(losses, {}, &LostBatches::after);
  return losses;
}

/// The settings that this program does not know. Throws corrupt for one that no feature announces.
Values further_of(Values values, const Configuration& configuration) {
  for (const auto& [name, value] : known_values(configuration)) values.erase(name);
  for (const auto& [name, value] : values) {
    if (!announced(configuration.features, name)) refuse(quote(name) + " is unknown, and no feature announces it");
  }
  return values;
}

}  // namespace

ShardMap Configuration::map() const {
  std::vector<Shard> all;
  all.reserve(shards.size());
  for (const ShardRow& row : shards) all.push_back(row.shard);
  return {version, std::move(all)};
}

std::vector<Loss> Configuration::told_losses() const {
  std::vector<Loss> told;
  told.reserve(losses.size());
  for (const LostBatches& each : losses) told.push_back({static_cast<std::uint64_t>(each.records), each.accepted_at});
  return told;
}

Features load_features(Database& database, Access access) {
  return features_of(load_values(database), access);
}

Configuration load_configuration(Database& database, Access access) {
  const Values values = load_values(database);
  Configuration configuration;
  configuration.features = features_of(values, access);
  configuration.shards = load_shards(database);
  if (number_of<std::size_t>(values, "shards") != configuration.shards.size()) refuse("a shard is missing");
  configuration.uuid = text_of(values, "uuid");
  if (!is_uuid(configuration.uuid)) refuse("uuid is " + quote(configuration.uuid) + ", which is not a UUID");
  configuration.created_at = stored_time("settings: created_at", number_of<std::int64_t>(values, "created_at"));
  configuration.version = number_of<std::uint64_t>(values, "version");
  if (configuration.version == 0) refuse("version is 0");
  configuration.settings = settings_of(values);
  configuration.attributes = values_below(values, attribute_prefix);
  configuration.unsafe_file_system = number_of<int>(values, "unsafe_file_system") != 0;
  configuration.losses = losses_of(values);
  configuration.further = further_of(values, configuration);
  check_lineage(configuration.map());
  check_first_sequences(configuration.shards);
  return configuration;
}

void store_settings(Database& database, const Configuration& configuration) {
  Values values = known_values(configuration);
  values.insert(configuration.further.begin(), configuration.further.end());
  values.emplace(checksum_name, checksum_of(values));
  for (const auto& [name, value] : stored_values(database)) {
    if (!values.contains(name)) execute(database, "DELETE FROM settings WHERE name = ?", name);
  }
  Statements statements(database);
  for (const auto& [name, value] : values) statements.upsert("settings", name, value);
}

void store_shard(Database& database, const ShardRow& row) {
  const Shard& shard = row.shard;
  const auto number_of = [](const std::optional<ShardId>& id) {
    return id ? std::optional(id->number()) : std::nullopt;
  };
  const auto first = shard.range.first.bytes();
  const auto last = shard.range.last.bytes();
  execute(database, upsert_into("shards"), shard.id.number(), Blob(first), Blob(last), number_of(shard.parent),
          number_of(shard.adjacent_parent), shard.opened_at, shard.closed_at, row.first_sequence, checksum_of(row));
}

bool refresh(Configuration& known, Database& database, SQLite::Statement& version, Access access) {
  Values values;
  if (version.executeStep()) values.emplace("version", version.getColumn(0).getString());
  version.reset();
  if (number_of<std::uint64_t>(values, "version") == known.version) return false;
  known = load_configuration(database, access);
  return true;
}

}  // namespace shardlog::sqlite

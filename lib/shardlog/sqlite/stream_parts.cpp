#include "shardlog/sqlite/stream_parts.h"

#include <fmt/format.h>

#include "shardlog/sqlite/backlog.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/repair_clock.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/statistics.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/verify.h"

namespace shardlog::sqlite {

namespace {

/// Sets or removes what the change names.
void apply(std::map<std::string, std::string>& to, const std::map<std::string, std::optional<std::string>>& change) {
  for (const auto& [key, value] : change) {
    to.erase(key);
    if (value) to.emplace(key, *value);
  }
}

void apply(Configuration& to, const SettingsChange& change) {
  StreamSettings& settings = to.settings;
  if (change.retention) settings.retention = *change.retention;
  if (change.compression) settings.compression = *change.compression;
  if (change.max_record_size) settings.max_record_size = *change.max_record_size;
  apply(settings.tags, change.tags);
  apply(to.attributes, change.attributes);
  check(settings);
  check(to.attributes);
}

}  // namespace

StreamDescription describe(SQLite::Database& database, const Configuration& configuration) {
  StreamDescription description{configuration.uuid, format_version, configuration.created_at, configuration.settings,
                                configuration.map()};
  description.losses = configuration.told_losses();
  description.attributes = configuration.attributes;
  if (const NewestBatch newest = newest_batch(database, configuration); newest.id > 0) {
    description.turn = static_cast<std::uint64_t>(newest.id);
    description.last_arrival = newest.arrived_at;
  }
  return description;
}

std::optional<Consumer> SqliteLeases::find(const std::string& name) {
  return session_.in_snapshot([&] { return consumers_.find(name); });
}

std::vector<Consumer> SqliteLeases::all() {
  return session_.in_snapshot([&] { return consumers_.all(); });
}

bool SqliteLeases::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  check_replacement(expected, desired);
  return session_.changing(Sync::full, Told::followers, [&] { return consumers_.replace(expected, desired); });
}

bool SqliteLeases::change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) {
  check_changes(changes);
  // If a power cut takes a checkpoint back, records are delivered again, which readers are prepared for.
  const bool cheap = only_progress(changes);
  return session_.changing(cheap ? Sync::normal : Sync::full, cheap ? Told::nobody : Told::followers,
                           [&] { return consumers_.change(consumer_uuid, changes); });
}

std::vector<Producer> SqliteProducers::of(const std::string& name) {
  return session_.in_snapshot([&] { return producers_.of(name); });
}

std::vector<Producer> SqliteProducers::all() {
  return session_.in_snapshot([&] { return producers_.all(); });
}

bool SqliteProducers::forget(const std::string& name) {
  return session_.changing(Sync::full, Told::followers, [&] { return producers_.forget(name); });
}

Trimmer& SqliteMaintenance::trimmer() {
  if (!trimmer_) {
    trimmer_.emplace(session_.database(), session_.committer(), session_.lock_wait(), session_.clock());
  }
  return *trimmer_;
}

void SqliteMaintenance::update(const SettingsChange& change) {
  session_.naming([&] {
    Duration retention = forever;
    SQLite::Database& database = session_.database();
    if (change.accept_loss) session_.committer().allow_missing_end();
    session_.committer().commit(Sync::full, [&] {
      Configuration configuration = load_configuration(database, Access::write);
      const Timestamp now = session_.clock().now();
      ++configuration.version;
      if (change.accept_loss) accept_loss(database, configuration, session_.lock().mark(), now);
      if (change.repair_clock) repair_clock(database, configuration, now);
      apply(configuration, change);
      store_settings(database, configuration);
      retention = configuration.settings.retention;
    });
    try {
      trimmer().finish(retention);
    } catch (const Error& error) {
      // Not the same error: its caller would think that nothing was changed.
      if (error.code() != ErrorCode::busy && error.code() != ErrorCode::full) throw;
      throw Error(ErrorCode::io, fmt::format("the settings are changed; remove what has expired: {}", error.what()));
    }
  });
}

StreamStatistics SqliteMaintenance::statistics(Detail detail) {
  return session_.reading([&](SQLite::Database& database, const Configuration& configuration) {
    const std::int64_t bytes = size_of(session_.paths().database()) + size_of(session_.paths().write_ahead_log());
    return StreamStatistics{describe(database, configuration),
                            shard_statistics(database, configuration, session_.clock().now(), detail),
                            static_cast<std::uint64_t>(bytes)};
  });
}

Backlog SqliteMaintenance::backlog(std::span<const ShardStart> starts) {
  return session_.reading([&](SQLite::Database& database, const Configuration& configuration) {
    return sqlite::backlog(database, configuration, starts, session_.clock().now());
  });
}

VerifyReport SqliteMaintenance::verify(const std::function<bool(double)>& progress) {
  return session_.naming(
      [&] { return sqlite::verify(session_.database(), session_.lock(), session_.lock_wait(), progress); });
}

}  // namespace shardlog::sqlite

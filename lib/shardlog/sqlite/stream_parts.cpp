#include "shardlog/sqlite/stream_parts.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "shardlog/sqlite/backlog.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/repair_clock.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/statistics.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/verify.h"

namespace shardlog::sqlite {

namespace {

std::uint64_t stored_bytes(const Paths& paths) {
  std::uint64_t total = 0;
  for (const std::string& path : {paths.database(), paths.write_ahead_log()}) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0) total += static_cast<std::uint64_t>(facts.st_size);
  }
  return total;
}

/// Sets or removes what the change names.
void apply(std::map<std::string, std::string>& to, const std::map<std::string, std::optional<std::string>>& change) {
  for (const auto& [key, value] : change) {
    to.erase(key);
    if (value) to.emplace(key, *value);
  }
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

Consumers& SqliteLeases::consumers() {
  if (!consumers_) consumers_.emplace(session_.database());
  return *consumers_;
}

std::optional<Consumer> SqliteLeases::find(const std::string& name) {
  return session_.in_snapshot([&] { return consumers().find(name); });
}

std::vector<Consumer> SqliteLeases::all() {
  return session_.in_snapshot([&] { return consumers().all(); });
}

bool SqliteLeases::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  check_replacement(expected, desired);
  return session_.changing(Sync::full, Told::followers, [&] { return consumers().replace(expected, desired); });
}

bool SqliteLeases::change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) {
  check_changes(changes);
  // Records are delivered again where a power cut takes a checkpoint back, which readers are prepared for.
  const bool cheap = only_progress(changes);
  return session_.changing(cheap ? Sync::normal : Sync::full, cheap ? Told::nobody : Told::followers,
                           [&] { return consumers().change(consumer_uuid, changes); });
}

Producers& SqliteProducers::producers() {
  if (!producers_) producers_.emplace(session_.database());
  return *producers_;
}

std::vector<Producer> SqliteProducers::of(const std::string& name) {
  return session_.in_snapshot([&] { return producers().of(name); });
}

std::vector<Producer> SqliteProducers::all() {
  return session_.in_snapshot([&] { return producers().all(); });
}

bool SqliteProducers::forget(const std::string& name) {
  return session_.changing(Sync::full, Told::followers, [&] { return producers().forget(name); });
}

std::optional<ShardMap::Version> SqliteResharding::apply(const ReshardStep& step, ShardMap::Version version) {
  return session_.naming([&] {
    if (!resharder_) resharder_.emplace(session_.database(), session_.committer(), session_.clock());
    return resharder_->apply(step, version);
  });
}

Trimmer& SqliteMaintenance::trimmer() {
  if (!trimmer_) {
    trimmer_.emplace(session_.database(), session_.committer(), session_.lock_wait(), session_.clock());
  }
  return *trimmer_;
}

void SqliteMaintenance::trim_on_the_way(Duration retention, std::size_t batches) {
  trimmer().go_on(retention, batches);
}

void SqliteMaintenance::change_settings(Configuration& configuration, const SettingsChange& change) {
  StreamSettings& settings = configuration.settings;
  if (change.retention) settings.retention = *change.retention;
  if (change.compression) settings.compression = *change.compression;
  if (change.max_record_size) settings.max_record_size = *change.max_record_size;
  sqlite::apply(settings.tags, change.tags);
  sqlite::apply(configuration.attributes, change.attributes);
  check(settings);
  check(configuration.attributes);
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
      change_settings(configuration, change);
      store_settings(database, configuration);
      retention = configuration.settings.retention;
    });
    try {
      trimmer().finish(retention);
    } catch (const Error& error) {
      // To try again would be right, but not to take it for an update that changed nothing.
      if (error.code() != ErrorCode::busy && error.code() != ErrorCode::full) throw;
      throw Error(ErrorCode::io, fmt::format("the settings are changed; remove what has expired: {}", error.what()));
    }
  });
}

StreamStatistics SqliteMaintenance::statistics(Detail detail) {
  return session_.in_snapshot([&] {
    SQLite::Database& database = session_.database();
    const Configuration configuration = load_configuration(database, Access::read);
    return StreamStatistics{describe(database, configuration),
                            shard_statistics(database, configuration, session_.clock().now(), detail),
                            stored_bytes(session_.paths())};
  });
}

std::vector<std::optional<std::vector<Intake>>> SqliteMaintenance::intake(std::span<const Timestamp> times) {
  return session_.in_snapshot([&] {
    const Configuration configuration = load_configuration(session_.database(), Access::read);
    return sqlite::intake(session_.database(), configuration, times);
  });
}

Backlog SqliteMaintenance::backlog(std::span<const ShardStart> starts) {
  return session_.in_snapshot([&] {
    const Configuration configuration = load_configuration(session_.database(), Access::read);
    return sqlite::backlog(session_.database(), configuration, starts, session_.clock().now());
  });
}

VerifyReport SqliteMaintenance::verify(const std::function<bool(double)>& progress) {
  return session_.naming(
      [&] { return sqlite::verify(session_.database(), session_.lock(), session_.lock_wait(), progress); });
}

}  // namespace shardlog::sqlite

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/resharder.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/trimmer.h"

/// The parts of a stream beside its log. Each is little more than a transaction around what the tables are asked.
namespace shardlog::sqlite {

class SqliteLeases final : public LeaseStore {
 public:
  explicit SqliteLeases(Session& session) : session_(session) {}

  std::optional<Consumer> find(const std::string& name) override;
  std::vector<Consumer> all() override;
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override;
  bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) override;

 private:
  Consumers& consumers();

  Session& session_;
  std::optional<Consumers> consumers_;  ///< prepared by the first use
};

class SqliteProducers final : public ProducerStore {
 public:
  explicit SqliteProducers(Session& session) : session_(session) {}

  std::vector<Producer> of(const std::string& name) override;
  std::vector<Producer> all() override;
  bool forget(const std::string& name) override;

 private:
  Producers& producers();

  Session& session_;
  std::optional<Producers> producers_;  ///< prepared by the first use
};

class SqliteResharding final : public Resharding {
 public:
  explicit SqliteResharding(Session& session) : session_(session) {}

  std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version) override;

 private:
  Session& session_;
  std::optional<Resharder> resharder_;  ///< prepared by the first use
};

class SqliteMaintenance final : public Maintenance {
 public:
  explicit SqliteMaintenance(Session& session) : session_(session) {}

  void update(const SettingsChange& change) override;
  StreamStatistics statistics(Detail detail) override;
  std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) override;
  Backlog backlog(std::span<const ShardStart> starts) override;
  VerifyReport verify(const std::function<bool(double)>& progress) override;

  /// What a writer does as it goes, before it appends `batches`. Throws as Stream::append().
  void trim_on_the_way(Duration retention, std::size_t batches);

 private:
  void change_settings(Configuration& configuration, const SettingsChange& change);
  Trimmer& trimmer();

  Session& session_;
  std::optional<Trimmer> trimmer_;  ///< prepared by the first use
};

/// As Stream::describe(). REQUIRES: a transaction is open
StreamDescription describe(SQLite::Database& database, const Configuration& configuration);

}  // namespace shardlog::sqlite

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/trimmer.h"

/// The parts of a stream beside its log: transactions around what the tables do. The session must outlive them.
namespace shardlog::sqlite {

class SqliteLeases final : public LeaseStore {
 public:
  explicit SqliteLeases(Session& session) : session_(session), consumers_(session.database()) {}

  std::optional<Consumer> find(const std::string& name) override;
  std::vector<Consumer> all() override;
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override;
  bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) override;

 private:
  Session& session_;
  Consumers consumers_;
};

class SqliteProducers final : public ProducerStore {
 public:
  explicit SqliteProducers(Session& session) : session_(session), producers_(session.database()) {}

  std::vector<Producer> of(const std::string& name) override;
  std::vector<Producer> all() override;
  bool forget(const std::string& name) override;

 private:
  Session& session_;
  Producers producers_;
};

class SqliteMaintenance final : public Maintenance {
 public:
  explicit SqliteMaintenance(Session& session) : session_(session) {}

  void update(const SettingsChange& change) override;
  StreamStatistics statistics(Detail detail) override;
  Backlog backlog(std::span<const ShardStart> starts) override;
  VerifyReport verify(const std::function<bool(double)>& progress) override;

  /// Prepared by its first use, because a stream that is open for reading has none.
  Trimmer& trimmer();

 private:
  Session& session_;
  std::optional<Trimmer> trimmer_;
};

/// As Stream::describe(). REQUIRES: a transaction is open
StreamDescription describe(SQLite::Database& database, const Configuration& configuration);

}  // namespace shardlog::sqlite

#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// The tables `consumers` and `leases`. A lease is one row, so that its change touches one page; how many a consumer
/// has stands with the consumer, so that none is lost unnoticed. All of it REQUIRES that a transaction is open, and
/// throws corrupt where rows are not what was written.
class Consumers {
 public:
  /// The database must outlive it.
  explicit Consumers(SQLite::Database& database);

  /// As LeaseStore::find() and all().
  std::optional<Consumer> find(const std::string& name);
  std::vector<Consumer> all();

  /// As LeaseStore::replace() and change(). Where they return false nothing is changed.
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired);
  bool change(const std::string& uuid, std::span<const LeaseChange> changes);

  /// Brings times behind `now` back to it.
  void limit_times(Timestamp now);

  /// Reports all that is damaged, one by one.
  void verify(const Configuration& configuration, const std::function<void(const std::string&)>& report);

 private:
  /// A row of `consumers`.
  struct Head {
    Consumer consumer;  ///< without its leases
    std::int64_t leases = 0;
  };

  static Head read_head(SQLite::Statement& row);
  static void check_head(const Head& head);
  static std::int64_t checksum_of(const Head& head);
  std::vector<Head> heads();
  std::optional<Head> head(const std::string& uuid);
  void store(const Head& head);
  Consumer whole(Head head);
  std::optional<Lease> lease(const std::string& uuid, ShardId shard);
  void store(const std::string& uuid, const Lease& lease);
  void remove_lease(const std::string& uuid, ShardId shard);
  void remove(const std::string& uuid);
  void remove_leases_but_of(const Consumer& consumer, std::span<const Lease> leases);

  SQLite::Statement select_all_;
  SQLite::Statement select_;
  SQLite::Statement replace_;
  SQLite::Statement remove_;
  SQLite::Statement select_all_leases_;
  SQLite::Statement select_leases_;
  SQLite::Statement select_lease_;
  SQLite::Statement replace_lease_;
  SQLite::Statement remove_lease_;
  SQLite::Statement remove_leases_;
};

/// Whether the changes only move checkpoints and counters of leases: owners, claimants and shards stay.
bool only_progress(std::span<const LeaseChange> changes);

/// Throws usage where a name is none or too long, and internal where the request contradicts itself.
void check_replacement(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired);
void check_changes(std::span<const LeaseChange> changes);

}  // namespace shardlog::sqlite

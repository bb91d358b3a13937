#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

/// The tables `consumers` and `leases`. A lease is one row, so that changing it touches one page; a consumer's row
/// holds how many leases it has, so that a lost one is noticed. Every function REQUIRES an open transaction, and throws
/// corrupt if a row is not what was written.
class Consumers {
 public:
  /// The database must outlive it.
  explicit Consumers(Database& database) : statements_(database) {}

  /// As LeaseStore::find() and all().
  std::optional<Consumer> find(const std::string& name);
  std::vector<Consumer> all();

  /// As LeaseStore::replace() and change().
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired);
  bool change(const std::string& uuid, std::span<const LeaseChange> changes);

  /// How many consumers own a lease of the shard.
  std::size_t readers_of(ShardId shard);

  /// Sets times later than `now` to `now`.
  void limit_times(Timestamp now);

  /// Reports all damage, with one call for each damaged thing.
  void verify(const Configuration& configuration, const std::function<void(const std::string&)>& report);

 private:
  /// A row of `consumers`.
  struct Head {
    Consumer consumer;  ///< without its leases
    std::int64_t leases = 0;
  };

  static Head read_head(SQLite::Statement& row);
  static std::int64_t checksum_of(const Head& head);
  std::vector<Head> heads();
  std::optional<Head> head(const std::string& uuid);
  void store(const Head& head);
  Consumer whole(Head head);
  std::optional<Lease> lease(const std::string& uuid, ShardId shard);
  void store(const std::string& uuid, const Lease& lease);
  void remove_lease(const std::string& uuid, ShardId shard);
  void remove(const std::string& uuid);

  Statements statements_;
};

/// Whether the changes only move checkpoints and counters of leases: owners, claimants and shards stay.
bool only_progress(std::span<const LeaseChange> changes);

/// Throw usage for an empty or overlong name, and internal for a request that contradicts itself.
void check_replacement(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired);
void check_changes(std::span<const LeaseChange> changes);

}  // namespace shardlog::sqlite

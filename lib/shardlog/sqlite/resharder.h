#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <optional>

#include "shardlog/core/shard_map.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// Applies steps to the stored shard map. Remembers what it stored, so that a step costs the same in a stream of a
/// thousand shards as in one of two.
class Resharder {
 public:
  /// All must outlive it.
  Resharder(SQLite::Database& database, Committer& committer, const Clock& clock);

  /// As Resharding::apply().
  std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version);

 private:
  void store(const ReshardStep& step);
  ShardRow& row_of(ShardId id);

  SQLite::Database& database_;
  Committer& committer_;
  const Clock& clock_;
  Configuration configuration_;  ///< of version 0, which no stream has, until it is loaded
  Tail tail_;
  TailScan scan_;
  SQLite::Statement version_;
};

}  // namespace shardlog::sqlite

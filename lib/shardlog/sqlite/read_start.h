#pragma once

#include <SQLiteCpp/Database.h>

#include <optional>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/chosen_shards.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

/// What a read's positions stand for. All of it REQUIRES that a transaction is open, and throws corrupt.
namespace shardlog::sqlite {

/// The same starts as a sequence number each, but for the trim horizon. Throws not_found (no such shard).
std::vector<ShardStart> pinned(SQLite::Database& database, const Configuration& configuration,
                               std::span<const ShardStart> starts, Timestamp now);

/// Throws usage where a sequence number is a position of more shards than one.
void check_positions(const ReadRequest& request);

/// Where a read begins.
struct ReadStart {
  Tail tail;                 ///< after it, as late as all chosen shards allow; it knows the numbers of these only
  std::optional<Cut> cut{};  ///< in the batch behind that; apart from where the chosen shards begin by themselves
  bool at_horizon = false;   ///< it is at the trim horizon: reading begins with whatever is there by then
};

/// `horizon` is behind what was trimmed and what is expired. Throws trimmed (only when strict).
ReadStart find_start(SQLite::Database& database, const Configuration& configuration, const ReadRequest& request,
                     const ChosenShards& chosen, const Tail& horizon);

/// As Stream::locate().
std::vector<LocatedStart> locate(SQLite::Database& database, const Configuration& configuration,
                                 const Position& position, const std::vector<ShardId>& shards, Timestamp now);

}  // namespace shardlog::sqlite

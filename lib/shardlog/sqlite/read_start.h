#pragma once

#include <optional>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/chosen_shards.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

/// Turns the positions of a read into the place where it starts. Every function REQUIRES an open transaction, and
/// throws corrupt.
namespace shardlog::sqlite {

/// The same starts, each as a sequence number, except those at the trim horizon. Throws not_found (no such shard).
std::vector<ShardStart> pinned(Database& database, const Configuration& configuration,
                               std::span<const ShardStart> starts, Timestamp now);

/// Throws usage if a position is a sequence number and the request does not choose exactly one shard.
void check_positions(const ReadRequest& request);

/// Where a read starts.
struct ReadStart {
  Tail tail;                 ///< the read starts after this tail, which is right for the chosen shards only
  std::optional<Cut> cut{};  ///< in the next batch; the starts that ChosenShards holds apply too
  bool at_horizon = false;   ///< at the trim horizon: the read starts with what is still there when it begins
};

/// `horizon` is readable_start(). Throws trimmed (only when strict).
ReadStart find_start(Database& database, const Configuration& configuration, const ReadRequest& request,
                     const ChosenShards& chosen, const Tail& horizon);

/// As Stream::locate().
std::vector<LocatedStart> locate(Database& database, const Configuration& configuration, const Position& position,
                                 const std::vector<ShardId>& shards, Timestamp now);

}  // namespace shardlog::sqlite

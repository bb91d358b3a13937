#pragma once

#include <optional>
#include <span>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// What can be read of each shard at `now`. REQUIRES: a transaction is open
std::vector<ShardStatistics> shard_statistics(Database& database, const Configuration& configuration, Timestamp now,
                                              Detail detail);

/// As Maintenance::intake(). REQUIRES: a transaction is open
std::vector<std::optional<std::vector<Intake>>> intake(Database& database, const Configuration& configuration,
                                                       std::span<const Timestamp> times);

}  // namespace shardlog::sqlite

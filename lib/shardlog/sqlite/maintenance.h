#pragma once

#include <span>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"

/// Functions of Maintenance that have a source file each. They REQUIRE an open transaction, and throw corrupt.
namespace shardlog::sqlite {

/// As Maintenance::backlog(), at `now`.
Backlog backlog(Database& database, const Configuration& configuration, std::span<const ShardStart> starts,
                Timestamp now);

/// Sets every stored time that is later than `now` to `now`, which changes no order. It changes the times of the
/// settings only in `configuration`, which the caller stores.
void repair_clock(Database& database, Configuration& configuration, Timestamp now);

}  // namespace shardlog::sqlite

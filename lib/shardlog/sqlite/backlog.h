#pragma once

#include <SQLiteCpp/Database.h>

#include <span>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// As Maintenance::backlog(), at `now`. REQUIRES: a read transaction is open. Throws not_found (no such shard),
/// corrupt.
Backlog backlog(SQLite::Database& database, const Configuration& configuration, std::span<const ShardStart> starts,
                Timestamp now);

}  // namespace shardlog::sqlite

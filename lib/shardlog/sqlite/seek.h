#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

/// Finds places in the commit order, by the index and a short scan. All of it REQUIRES that a transaction is open, and
/// throws corrupt. `start` is where the search begins, nothing before it is found. Where `few` shards are given, which
/// have all that are searched for among them, only their batches are read, and the tail is right for them alone.
namespace shardlog::sqlite {

/// A record of one shard, or the place before it.
struct Cut {
  std::int64_t shard = 0;
  std::int64_t sequence = 0;
};

/// Between two records: behind `tail`, and where the place is within the batch behind that, before `cut` in it.
struct Place {
  Tail tail;
  std::optional<BatchRow> batch{};  ///< the one behind `tail`, where there is one
  std::optional<Cut> cut{};         ///< in that batch
};

/// Behind all batches that were trimmed or are expired at `now`.
Tail readable_start(SQLite::Database& database, const Configuration& configuration, Timestamp now);

/// Behind all batches that arrived before `time`.
Tail seek_time(SQLite::Database& database, const Configuration& configuration, Tail start, Timestamp time);

/// Before the first record that is in one of these shards, and has the number given for it or a larger one; behind all
/// batches where there is none yet.
Place seek_sequences(SQLite::Database& database, const Configuration& configuration, Tail start,
                     const std::map<std::int64_t, std::int64_t>& first_by_shard, const std::set<std::int64_t>& few);

/// Before the newest `count` records of the shards that `wanted` names.
Place seek_last(SQLite::Database& database, const Configuration& configuration, Tail start, std::uint64_t count,
                const std::function<bool(std::int64_t shard)>& wanted, const std::set<std::int64_t>& few);

}  // namespace shardlog::sqlite

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

/// Finds positions in the commit order, by the index and a short scan. Every function REQUIRES an open transaction, and
/// throws corrupt. A search begins at `start` and finds nothing before it. If `few` shards are given, only their
/// batches are read. They must include all shards that the search is about, and the tail that it finds is right for
/// them alone.
namespace shardlog::sqlite {

/// Before a record of a shard.
struct Cut {
  std::int64_t shard = 0;
  std::int64_t sequence = 0;
};

/// Between two records: right after `tail`, or before the record `cut` of the next batch.
struct Boundary {
  Tail tail;
  std::optional<BatchRow> batch{};  ///< the one after `tail`, if there is one
  std::optional<Cut> cut{};         ///< in that batch
};

/// After all batches that were trimmed, or are expired at `now`.
Tail readable_start(Database& database, const Configuration& configuration, Timestamp now);

/// After all batches that arrived before `time`.
Tail seek_time(Database& database, const Configuration& configuration, Tail start, Timestamp time);

/// Before the first record whose number is at least the one that `first_by_shard` gives for its shard; after all
/// batches if there is no such record yet.
Boundary seek_sequences(Database& database, const Configuration& configuration, Tail start,
                        const std::map<std::int64_t, std::int64_t>& first_by_shard, const std::set<std::int64_t>& few);

/// Before the newest `count` records of the shards that are `wanted`.
Boundary seek_last(Database& database, const Configuration& configuration, Tail start, std::uint64_t count,
                   const std::function<bool(std::int64_t shard)>& wanted, const std::set<std::int64_t>& few);

}  // namespace shardlog::sqlite

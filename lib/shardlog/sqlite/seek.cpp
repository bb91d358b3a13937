#include "shardlog/sqlite/seek.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "shardlog/sqlite/batch_walk.h"
#include "shardlog/sqlite/losses.h"

namespace shardlog::sqlite {

namespace {

using Shards = std::set<std::int64_t>;

/// Moves `tail` to right before the first batch for which `stop` holds, and returns that batch.
std::optional<BatchRow> scan(Database& database, const Configuration& configuration, const Shards& few, Tail& tail,
                             const std::function<bool(const BatchRow&)>& stop) {
  BatchWalk walk(database);
  const bool all = few.empty() || !configuration.losses.empty();  // only a tail that is right for all can pass a loss
  if (!all) walk.want_only(few);
  walk.start(tail.batch(), std::numeric_limits<std::int64_t>::max());
  while (true) {
    const std::int64_t before = tail.batch();
    const std::optional<BatchRow> row = walk.next(tail);
    if (row && stop(*row)) return row;
    if (row) advance(database, configuration, tail, *row);
    if (tail.batch() == before) return std::nullopt;
  }
}

}  // namespace

Tail readable_start(Database& database, const Configuration& configuration, Timestamp now) {
  Tail start = load_horizon(database);
  const auto expired = expiry(configuration.settings.retention, now);
  return expired ? seek_time(database, configuration, std::move(start), *expired) : start;
}

Tail seek_time(Database& database, const Configuration& configuration, Tail start, Timestamp time) {
  Tail tail = load_indexed_tail(database, std::move(start),
                                [time](const Tail& indexed) { return indexed.last_arrival() < time; });
  scan(database, configuration, {}, tail, [time](const BatchRow& row) { return row.arrived_at >= time; });
  return tail;
}

Boundary seek_sequences(Database& database, const Configuration& configuration, Tail start,
                        const std::map<std::int64_t, std::int64_t>& first_by_shard, const Shards& few) {
  Boundary found{load_indexed_tail(database, std::move(start), [&](const Tail& indexed) {
    return std::all_of(first_by_shard.begin(), first_by_shard.end(), [&](const auto& shard_and_first) {
      const auto& [shard, first] = shard_and_first;
      return indexed.next_sequence(shard_of(configuration, shard)) <= first;
    });
  })};
  found.batch = scan(database, configuration, few, found.tail, [&](const BatchRow& row) {
    const auto wanted = first_by_shard.find(row.shard);
    return wanted != first_by_shard.end() && row.next_sequence() > wanted->second;
  });
  if (found.batch) found.cut = {found.batch->shard, first_by_shard.at(found.batch->shard)};
  return found;
}

Boundary seek_last(Database& database, const Configuration& configuration, Tail start, std::uint64_t count,
                   const std::function<bool(std::int64_t shard)>& wanted, const Shards& few) {
  const auto records_before = [&wanted](const Tail& tail) {
    std::uint64_t records = 0;
    for (const ShardTail& shard : tail.shards()) {
      if (wanted(shard.shard)) records += static_cast<std::uint64_t>(shard.records);
    }
    return records;
  };
  Tail end = start;
  TailScan(database).catch_up(configuration, end);
  const std::uint64_t all = records_before(end);
  const std::uint64_t skipped = all - std::min(count, all);
  if (skipped <= records_before(start)) return {std::move(start)};

  Boundary found{load_indexed_tail(database, std::move(start),
                                   [&](const Tail& indexed) { return records_before(indexed) <= skipped; })};
  std::uint64_t passed = records_before(found.tail);
  found.batch = scan(database, configuration, few, found.tail, [&](const BatchRow& row) {
    if (!wanted(row.shard)) return false;
    const std::uint64_t next = passed + static_cast<std::uint64_t>(row.record_count);
    if (next <= skipped) passed = next;
    return next > skipped;
  });
  if (found.batch) {
    found.cut = {found.batch->shard, found.batch->first_sequence + static_cast<std::int64_t>(skipped - passed)};
  }
  return found;
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/seek.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "shardlog/sqlite/batch_walk.h"
#include "shardlog/sqlite/losses.h"

namespace shardlog::sqlite {

namespace {

using Shards = std::set<std::int64_t>;

/// Moves `tail` on to the first batch for which `stop` holds, which is returned. Where `few` are given, of their
/// batches, and for these the tail is right then.
std::optional<BatchRow> scan(SQLite::Database& database, const Configuration& configuration, const Shards& few,
                             Tail& tail, const std::function<bool(const BatchRow&)>& stop) {
  BatchWalk walk(database);
  const bool all = few.empty() || !configuration.losses.empty();  // a loss is passed by the tail of all
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

Tail readable_start(SQLite::Database& database, const Configuration& configuration, Timestamp now) {
  Tail start = load_horizon(database);
  const auto expired = expiry(configuration.settings.retention, now);
  return expired ? seek_time(database, configuration, std::move(start), *expired) : start;
}

Tail seek_time(SQLite::Database& database, const Configuration& configuration, Tail start, Timestamp time) {
  Tail tail = load_indexed_tail(database, std::move(start),
                                [time](const Tail& indexed) { return indexed.last_arrival() < time; });
  scan(database, configuration, {}, tail, [time](const BatchRow& row) { return row.arrived_at >= time; });
  return tail;
}

Place seek_sequences(SQLite::Database& database, const Configuration& configuration, Tail start,
                     const std::map<std::int64_t, std::int64_t>& first_by_shard, const Shards& few) {
  std::vector<std::pair<const ShardRow*, std::int64_t>> firsts;
  firsts.reserve(first_by_shard.size());
  for (const auto& [shard, first] : first_by_shard) firsts.emplace_back(&shard_of(configuration, shard), first);
  Place place{load_indexed_tail(database, std::move(start), [&](const Tail& indexed) {
    return std::all_of(firsts.begin(), firsts.end(),
                       [&](const auto& each) { return indexed.next_sequence(*each.first) <= each.second; });
  })};
  std::int64_t first = 0;
  place.batch = scan(database, configuration, few, place.tail, [&](const BatchRow& row) {
    const auto found = first_by_shard.find(row.shard);
    if (found == first_by_shard.end() || row.next_sequence() <= found->second) return false;
    first = found->second;
    return true;
  });
  if (place.batch) place.cut = {place.batch->shard, first};
  return place;
}

Place seek_last(SQLite::Database& database, const Configuration& configuration, Tail start, std::uint64_t count,
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
  const std::uint64_t skipped = count < all ? all - count : 0;
  std::uint64_t passed = records_before(start);
  if (skipped <= passed) return {std::move(start)};

  Place place{load_indexed_tail(database, std::move(start),
                                [&](const Tail& indexed) { return records_before(indexed) <= skipped; })};
  passed = records_before(place.tail);
  place.batch = scan(database, configuration, few, place.tail, [&](const BatchRow& row) {
    if (!wanted(row.shard)) return false;
    const auto count_of_batch = static_cast<std::uint64_t>(row.record_count);
    if (passed + count_of_batch > skipped) return true;
    passed += count_of_batch;
    return false;
  });
  if (place.batch) {
    place.cut = {place.batch->shard, place.batch->first_sequence + static_cast<std::int64_t>(skipped - passed)};
  }
  return place;
}

}  // namespace shardlog::sqlite

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/chosen_shards.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/maintenance.h"
#include "shardlog/sqlite/read_start.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// For each shard with unread records, the first of them.
using Unread = std::map<std::int64_t, std::int64_t>;

bool holds_any(const BatchRow& row, const Unread& unread) {
  const auto found = unread.find(row.shard);
  return found != unread.end() && row.next_sequence() > found->second;
}

/// When the first of these records arrived. It is the first in commit order, because arrivals never decrease.
std::optional<Timestamp> first_arrival(Database& database, const Configuration& configuration, const Tail& start,
                                       const Unread& unread) {
  const Tail before = load_indexed_tail(database, start, [&](const Tail& indexed) {
    return std::all_of(unread.begin(), unread.end(), [&](const auto& shard_and_first) {
      const auto& [shard, first] = shard_and_first;
      return indexed.next_sequence(shard_of(configuration, shard)) <= first;
    });
  });
  SQLite::Statement rows(database, fmt::format("SELECT {} FROM batches WHERE id > ? ORDER BY id", batch_row_columns));
  rows.bind(1, before.batch());
  while (rows.executeStep()) {
    const BatchRow row = read_batch_row(rows);
    if (holds_any(row, unread)) return row.arrived_at;
  }
  return std::nullopt;
}

}  // namespace

Backlog backlog(Database& database, const Configuration& configuration, std::span<const ShardStart> starts,
                Timestamp now) {
  const Tail start = readable_start(database, configuration, now);
  Tail end = start;
  TailScan(database).catch_up(configuration, end);
  const LostNumbers lost(database, configuration);
  Backlog result;
  Unread unread;
  std::map<Timestamp, Tail> tails;  // by time: records that arrived before it do not count
  for (const ShardStart& from : pinned(database, configuration, starts, now)) {
    const ShardRow& row = shard_of(configuration, from.shard.number());
    const std::int64_t readable = start.next_sequence(row);
    std::int64_t first = std::max(readable, sequence_of(from).value_or(readable));
    if (const auto* const at = std::get_if<AtSequence>(&from.from); at != nullptr && at->not_before) {
      const auto [found, is_new] = tails.try_emplace(*at->not_before);
      if (is_new) found->second = seek_time(database, configuration, start, *at->not_before);
      first = std::max(first, found->second.next_sequence(row));
    }
    const std::int64_t next = end.next_sequence(row);
    const std::int64_t unread_numbers = next - first - lost.within(row, first, next);
    result.records.emplace_back(static_cast<std::uint64_t>(std::max(unread_numbers, std::int64_t{0})));
    if (first < next) unread.emplace(from.shard.number(), first);
  }
  if (!unread.empty()) result.oldest = first_arrival(database, configuration, start, unread);
  return result;
}

}  // namespace shardlog::sqlite

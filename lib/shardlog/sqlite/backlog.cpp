#include "shardlog/sqlite/backlog.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// Numbers beyond all that this engine gives are as good as the largest but one.
std::int64_t number_of(const SequenceNumber& sequence) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() - 1;
  const std::string& digits = sequence.to_string();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? std::min(number, most) : most;
}

/// The record that a start stands before; nothing at the trim horizon.
std::optional<std::int64_t> sequence_of(const ShardStart& start) {
  if (const auto* at = std::get_if<AtSequence>(&start.from)) return number_of(at->sequence);
  if (const auto* after = std::get_if<AfterSequence>(&start.from)) return number_of(after->sequence) + 1;
  return std::nullopt;
}

/// The first record of each shard that was not read, as far as there is one.
using Unread = std::map<std::int64_t, std::int64_t>;

bool holds_any(const BatchRow& row, const Unread& unread) {
  const auto found = unread.find(row.shard);
  return found != unread.end() && row.next_sequence() > found->second;
}

/// When the first of these records arrived: arrivals never decrease in commit order.
std::optional<Timestamp> first_arrival(SQLite::Database& database, const Configuration& configuration,
                                       const Tail& start, const Unread& unread) {
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

Backlog backlog(SQLite::Database& database, const Configuration& configuration, std::span<const ShardStart> starts,
                Timestamp now) {
  const Tail start = readable_start(database, configuration, now);
  Tail end = start;
  TailScan(database).catch_up(configuration, end);
  const ShardMap map = configuration.map();
  Backlog result;
  Unread unread;
  for (const ShardStart& from : starts) {
    if (map.find(from.shard) == nullptr) {
      throw Error(ErrorCode::not_found, "the stream has no " + from.shard.to_string());
    }
    const ShardRow& row = shard_of(configuration, from.shard.number());
    const std::int64_t readable = start.next_sequence(row);
    const std::int64_t first = std::max(readable, sequence_of(from).value_or(readable));
    const std::int64_t behind = end.next_sequence(row);
    result.records.push_back(static_cast<std::uint64_t>(std::max(behind - first, std::int64_t{0})));
    if (first < behind) unread.emplace(from.shard.number(), first);
  }
  if (!unread.empty()) result.oldest = first_arrival(database, configuration, start, unread);
  return result;
}

}  // namespace shardlog::sqlite

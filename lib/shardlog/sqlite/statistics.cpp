#include "shardlog/sqlite/statistics.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

[[noreturn]] void refuse(const ShardRow& row, const char* reason) {
  throw Error(ErrorCode::corrupt, row.shard.id.to_string() + " " + reason);
}

/// When the first record of each shard between two tails arrived. Most shards have theirs among the first batches; for
/// any other shard, the index tells between which batches it is.
std::map<std::int64_t, Timestamp> first_arrivals(Database& database, const Tail& start, const Tail& end) {
  const auto count_new_in = [&start](const Tail& tail) {
    const auto has_new = [&](const ShardTail& shard) { return shard.records > start.counts_of(shard.shard).records; };
    return static_cast<std::size_t>(std::count_if(tail.shards().begin(), tail.shards().end(), has_new));
  };
  const std::size_t all = count_new_in(end);
  std::map<std::int64_t, Timestamp> found;
  const auto scan = [&](std::int64_t after, std::int64_t last) {
    Prepared rows = select_batches(database, after, last);
    while (found.size() < all && rows.executeStep()) {
      const BatchRow row = read_batch_row(rows);
      found.emplace(row.shard, row.arrived_at);
    }
  };
  SQLite::Statement index(
      database, fmt::format("SELECT {} FROM batch_index WHERE batch > ? ORDER BY batch", indexed_tail_columns));
  index.bind(1, start.batch());
  std::int64_t before = start.batch();
  while (found.size() < all && index.executeStep()) {
    const Tail tail = read_indexed_tail(index);
    if (count_new_in(tail) > found.size()) scan(before, tail.batch());
    before = tail.batch();
  }
  scan(before, std::numeric_limits<std::int64_t>::max());
  return found;
}

SequenceNumber number(std::int64_t sequence) {
  return SequenceNumber(static_cast<std::uint64_t>(sequence));
}

Intake intake_of(const ShardTail& tail) {
  return {static_cast<std::uint64_t>(tail.records), static_cast<std::uint64_t>(tail.bytes),
          static_cast<std::uint64_t>(tail.appends)};
}

/// Counts what came between two tails. Does not fill in which record is the first and which is the last.
ShardStatistics count(const ShardRow& row, const Tail& start, const Tail& end) {
  const ShardTail trimmed = start.counts_of(row.shard.id.number());
  const ShardTail all = end.counts_of(row.shard.id.number());
  if (all.records < trimmed.records || all.bytes < trimmed.bytes) refuse(row, "ends before it begins");
  ShardStatistics shard{row.shard};
  shard.records = static_cast<std::uint64_t>(all.records - trimmed.records);
  shard.bytes = static_cast<std::uint64_t>(all.bytes - trimmed.bytes);
  shard.trimmed_records = static_cast<std::uint64_t>(trimmed.records);
  shard.trimmed_bytes = static_cast<std::uint64_t>(trimmed.bytes);
  shard.intake = intake_of(all);
  return shard;
}

}  // namespace

std::vector<ShardStatistics> shard_statistics(Database& database, const Configuration& configuration, Timestamp now,
                                              Detail detail) {
  const Tail start = readable_start(database, configuration, now);
  Tail end = start;
  TailScan(database).catch_up(configuration, end);
  std::vector<ShardStatistics> statistics;
  for (const ShardRow& row : configuration.shards) statistics.push_back(count(row, start, end));
  if (detail == Detail::load) return statistics;

  const LostNumbers lost(database, configuration);
  const auto arrivals = first_arrivals(database, start, end);
  for (const ShardRow& row : configuration.shards) {
    const std::uint32_t id = row.shard.id.number();
    ShardStatistics& shard = statistics[id];
    if (shard.records == 0U) continue;
    const auto first_arrival = arrivals.find(id);
    if (first_arrival == arrivals.end()) refuse(row, "holds fewer records than the index says");
    shard.first = {number(lost.first_kept(row, start.next_sequence(row))), first_arrival->second};
    shard.last = {number(lost.last_kept(row, end.next_sequence(row))),
                  end.counts_of(id).last_arrival.value_or(Timestamp{})};
  }
  return statistics;
}

std::vector<std::optional<std::vector<Intake>>> intake(Database& database, const Configuration& configuration,
                                                       std::span<const Timestamp> times) {
  std::vector<std::optional<std::vector<Intake>>> result(times.size());
  Tail tail = load_horizon(database);
  const Timestamp trimmed_up_to = tail.batch() > 0 ? tail.last_arrival() : Timestamp::min();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] <= trimmed_up_to) continue;
    tail = seek_time(database, configuration, std::move(tail), times[i]);
    std::vector<Intake>& shards = result[i].emplace();
    for (const ShardRow& row : configuration.shards) shards.push_back(intake_of(tail.counts_of(row.shard.id.number())));
  }
  return result;
}

}  // namespace shardlog::sqlite

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

/// Whether a shard has records between two tails.
bool has_records(const Tail& start, const Tail& end, const ShardRow& row) {
  return end.next_sequence(row) > start.next_sequence(row);
}

Timestamp last_arrival(const Tail& end, std::int64_t shard) {
  const ShardTail* const tail = end.find(shard);
  return tail == nullptr ? Timestamp{} : tail->last_arrival.value_or(Timestamp{});
}

/// When the first record of each shard behind `start` arrived. Most shards have theirs among the first batches; for one
/// that has not, the index tells between which batches it is.
class FirstArrivals {
 public:
  FirstArrivals(SQLite::Database& database, const Configuration& configuration, const Tail& start, const Tail& end)
      : database_(database), configuration_(configuration), start_(start) {
    missing_ = newly_in(end);
  }

  std::map<std::int64_t, Timestamp> find() {
    SQLite::Statement index(
        database_, fmt::format("SELECT {} FROM batch_index WHERE batch > ? ORDER BY batch", indexed_tail_columns));
    index.bind(1, start_.batch());
    std::int64_t before = start_.batch();
    while (missing_ > found_.size() && index.executeStep()) {
      const Tail tail = read_indexed_tail(index);
      if (newly_in(tail) > found_.size()) scan(before, tail.batch());
      before = tail.batch();
    }
    if (missing_ > found_.size()) scan(before, std::numeric_limits<std::int64_t>::max());
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::size_t newly_in(const Tail& tail) const {
    return static_cast<std::size_t>(std::count_if(configuration_.shards.begin(), configuration_.shards.end(),
                                                  [&](const ShardRow& row) { return has_records(start_, tail, row); }));
  }

  void scan(std::int64_t after, std::int64_t last) {
    SQLite::Statement rows(
        database_, fmt::format("SELECT {} FROM batches WHERE id > ? AND id <= ? ORDER BY id", batch_row_columns));
    rows.bind(1, after);
    rows.bind(2, last);
    while (missing_ > found_.size() && rows.executeStep()) {
      const BatchRow row = read_batch_row(rows);
      found_.emplace(row.shard, row.arrived_at);
    }
  }

  SQLite::Database& database_;
  const Configuration& configuration_;
  const Tail& start_;
  std::size_t missing_ = 0;
  std::map<std::int64_t, Timestamp> found_;
};

}  // namespace

std::vector<ShardStatistics> shard_statistics(SQLite::Database& database, const Configuration& configuration,
                                              Timestamp now, Detail detail) {
  const Tail start = readable_start(database, configuration, now);
  Tail end = start;
  TailScan(database).catch_up(configuration, end);
  std::map<std::int64_t, Timestamp> first_arrivals;
  if (detail == Detail::all) first_arrivals = FirstArrivals(database, configuration, start, end).find();
  const LostNumbers lost(database, configuration);
  const auto sequence = [](std::int64_t number) { return SequenceNumber(static_cast<std::uint64_t>(number)); };

  std::vector<ShardStatistics> statistics;
  for (const ShardRow& row : configuration.shards) {
    ShardStatistics shard{row.shard};
    const std::int64_t first = start.next_sequence(row);
    const std::int64_t next = end.next_sequence(row);
    const std::int64_t trimmed_bytes = start.bytes(row);
    const std::int64_t kept = next - first - lost.within(row, first, next);
    if (kept < 0 || end.bytes(row) < trimmed_bytes) refuse(row, "ends before it begins");
    shard.records = static_cast<std::uint64_t>(kept);
    shard.bytes = static_cast<std::uint64_t>(end.bytes(row) - trimmed_bytes);
    shard.trimmed_records = static_cast<std::uint64_t>(first - row.first_sequence);
    shard.trimmed_bytes = static_cast<std::uint64_t>(trimmed_bytes);
    if (detail == Detail::all && kept > 0) {
      const std::int64_t id = row.shard.id.number();
      const auto first_arrival = first_arrivals.find(id);
      if (first_arrival == first_arrivals.end()) refuse(row, "holds fewer records than the index says");
      shard.first = {sequence(lost.first_kept(row, first)), first_arrival->second};
      shard.last = {sequence(lost.last_kept(row, next)), last_arrival(end, id)};
    }
    statistics.push_back(std::move(shard));
  }
  return statistics;
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/metrics_history.h"

#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/metrics_table.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/stored_value.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// When the next batch arrived; nullopt if there is none.
std::optional<Timestamp> next_arrival(Database& database, const Tail& tail) {
  Prepared rows = select_batches(database, tail.batch());
  if (!rows.executeStep()) return std::nullopt;
  return read_batch_row(rows).arrived_at;
}

void add_difference(const Tail& before, const Tail& after, metrics::Measures& measures) {
  for (const ShardTail& all : after.shards()) {
    const ShardTail first = before.counts_of(all.shard);
    if (all.records < first.records || all.bytes < first.bytes || all.appends < first.appends) {
      throw_corrupt("the index counts backwards");
    }
    if (all.records == first.records) continue;
    measures.shards[ShardId(static_cast<std::uint32_t>(all.shard))].in +=
        {static_cast<std::uint64_t>(all.records - first.records), static_cast<std::uint64_t>(all.bytes - first.bytes),
         static_cast<std::uint64_t>(all.appends - first.appends)};
  }
}

/// Adds what arrived in batches that are still there. A period without any costs nothing.
void add_arrivals(Database& database, const Configuration& configuration, Timestamp from, Timestamp until,
                  metrics::Periods& periods) {
  Tail tail = seek_time(database, configuration, load_horizon(database), from);
  for (auto next = next_arrival(database, tail); next && *next < until; next = next_arrival(database, tail)) {
    Tail end = seek_time(database, configuration, tail, periods.end(*next));
    add_difference(tail, end, periods.at(*next).measures);
    tail = std::move(end);
  }
}

}  // namespace

std::vector<TimeSpan> pieces_of_history(TimeSpan time, Timestamp now) {
  constexpr Duration length = 6 * hour;
  time.from = std::max(time.from, oldest_hour(now));
  time.until = std::min(time.until, latest_stored_time);
  std::vector<TimeSpan> pieces;
  while (time.from < time.until) {
    const Timestamp end = start_of(length, time.from) + length;
    // What comes after now, if the clock was set back, is one piece.
    pieces.push_back({time.from, end > now ? time.until : std::min(end, time.until)});
    time.from = pieces.back().until;
  }
  return pieces;
}

std::vector<metrics::Period> history(Database& database, const Configuration& configuration, const TimeSpan& piece,
                                     Timestamp now) {
  metrics::Periods periods(oldest_minute(now));
  const Timestamp from = periods.start(piece.from);
  const Timestamp until = periods.end(piece.until - Duration(1));
  MetricsTable(database).visit(from, until, [&](metrics::Period row) {
    metrics::Period& period = periods.at(row.start);
    period.is_damaged |= row.is_damaged;
    if (period.measures.empty()) {
      period.measures = std::move(row.measures);
    } else {
      period.measures += row.measures;
    }
  });
  add_arrivals(database, configuration, from, until, periods);
  return periods.take();
}

}  // namespace shardlog::sqlite

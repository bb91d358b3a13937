#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/maintenance.h"
#include "shardlog/sqlite/metrics_table.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// The batches that arrived after `now`, without their payloads. All are read before the first one is changed.
std::vector<BatchRow> batches_after(Database& database, Timestamp now) {
  std::vector<BatchRow> later;
  SQLite::Statement rows(database, fmt::format("SELECT {} FROM batches ORDER BY id DESC", batch_row_columns));
  while (rows.executeStep()) {
    const BatchRow row = read_batch_row(rows);
    if (row.arrived_at <= now) break;  // arrivals never decrease
    later.push_back(row);
  }
  return later;
}

void repair_batches(Database& database, Timestamp now) {
  SQLite::Statement update(database, "UPDATE batches SET arrived_at = ?, checksum = ? WHERE id = ?");
  for (BatchRow& row : batches_after(database, now)) {
    row.arrived_at = now;
    Use(update, now, row.checksum(), row.id)->exec();
  }
}

void repair_tails(Database& database, const Configuration& configuration, Timestamp now) {
  const Tail early =
      load_indexed_tail(database, Tail(), [now](const Tail& indexed) { return indexed.last_arrival() <= now; });
  for (Tail& indexed : load_indexed_tails(database, early.batch(), newest_batch(database, configuration).id)) {
    indexed.limit_arrivals(now);
    replace_index_row(database, indexed);
  }
  if (Tail horizon = load_horizon(database); horizon.last_arrival() > now) {
    horizon.limit_arrivals(now);
    store_horizon(database, horizon);
  }
  execute(database, "UPDATE trim_horizon SET mostly_free_since = min(mostly_free_since, ?)", now);
}

}  // namespace

void repair_clock(Database& database, Configuration& configuration, Timestamp now) {
  repair_batches(database, now);
  repair_tails(database, configuration, now);
  Consumers(database).limit_times(now);
  Producers(database).limit_times(now);
  MetricsTable(database).limit_times(now);

  configuration.created_at = std::min(configuration.created_at, now);
  for (LostBatches& loss : configuration.losses) loss.accepted_at = std::min(loss.accepted_at, now);
  for (ShardRow& row : configuration.shards) {
    Shard& shard = row.shard;
    if (shard.opened_at <= now && shard.closed_at.value_or(now) <= now) continue;
    shard.opened_at = std::min(shard.opened_at, now);
    if (shard.closed_at) shard.closed_at = std::min(*shard.closed_at, now);
    store_shard(database, row);
  }
}

}  // namespace shardlog::sqlite

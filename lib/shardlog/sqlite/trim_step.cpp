#include "shardlog/sqlite/trim_step.h"

#include <fmt/format.h>

#include <numeric>

#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/losses.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t step_bytes = 8L * 1024 * 1024;

/// Removes the rows up to the horizon, and stores it.
void remove_trimmed(Trimming& trimming, const Tail& horizon) {
  for (const char* const sql : {"DELETE FROM batches WHERE id <= ?", "DELETE FROM batch_index WHERE batch <= ?",
                                "DELETE FROM batch_shards WHERE last_batch <= ?"}) {
    trimming.statements.use(sql, horizon.batch())->exec();
  }
  store_horizon(trimming.database, horizon);
}

/// Counts a batch that is trimmed for the minute in which it arrived.
void count(MeasuredMinutes& minutes, const BatchRow& row) {
  const ShardId shard(static_cast<std::uint32_t>(row.shard));
  minutes[start_of(minute, row.arrived_at)].shards[shard].in +=
      {static_cast<std::uint64_t>(row.record_count), static_cast<std::uint64_t>(row.data_bytes),
       row.begins_append ? 1U : 0U};
}

}  // namespace

std::int64_t bytes_up_to(const Tail& tail) {
  const auto add = [](std::int64_t sum, const ShardTail& shard) { return sum + shard.bytes; };
  return std::accumulate(tail.shards().begin(), tail.shards().end(), std::int64_t{0}, add);
}

TrimStep::TrimStep(Trimming& trimming, const Configuration& configuration, Timestamp now, std::int64_t excess)
    : trimming_(trimming),
      configuration_(configuration),
      now_(now),
      expired_(expiry(configuration.settings.retention, now)),
      excess_(excess) {}

bool TrimStep::has_work() {
  Use first = trimming_.statements.use(fmt::format("SELECT {} FROM batches ORDER BY id LIMIT 1", batch_row_columns));
  if (!first->executeStep()) return false;
  const Timestamp arrived_at(Duration(first->getColumn("arrived_at").getInt64()));
  if (expired_ && arrived_at < *expired_) return true;
  return (excess_ > 0 || configuration_.settings.until_consumed) && may_go(read_batch_row(*first));
}

std::size_t TrimStep::run() {
  Tail horizon = load_horizon(trimming_.database);
  MeasuredMinutes counted;
  std::size_t batches = 0;
  {
    Use rows = trimming_.statements.use(
        fmt::format("SELECT {}, length(payload) FROM batches WHERE id > ? ORDER BY id", batch_row_columns),
        horizon.batch());
    std::int64_t bytes = 0;  // in the database: what is in a segment costs nothing here
    for (; batches < trim_step_batches && bytes < step_bytes && rows->executeStep(); ++batches) {
      const BatchRow row = read_batch_row(*rows);
      if (!may_go(row)) break;
      advance(trimming_.database, configuration_, horizon, row);
      count(counted, row);
      excess_ -= row.data_bytes;
      bytes += rows->getColumn("length(payload)").getInt64();
    }
  }
  if (batches == 0) return 0;
  remove_trimmed(trimming_, horizon);
  trimming_.metrics.add(counted, now_);
  return batches;
}

bool TrimStep::may_go(const BatchRow& row) {
  if (expired_ && row.arrived_at < *expired_) return true;
  const StreamSettings& settings = configuration_.settings;
  if (excess_ > 0 && settings.when_full == WhenFull::trim) return true;
  return (excess_ > 0 || settings.until_consumed) && is_passed(row);
}

bool TrimStep::is_passed(const BatchRow& row) {
  if (!passed_) {
    map_ = configuration_.map();
    passed_.emplace(*map_, Consumers(trimming_.database).all());
  }
  const auto last = static_cast<std::uint64_t>(row.next_sequence() - 1);
  return passed_->up_to(ShardId(static_cast<std::uint32_t>(row.shard)), SequenceNumber(last));
}

}  // namespace shardlog::sqlite

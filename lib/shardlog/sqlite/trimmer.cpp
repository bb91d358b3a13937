#include "shardlog/sqlite/trimmer.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t step_bytes = 8L * 1024 * 1024;
constexpr std::size_t step_batches = 1000;
constexpr std::int64_t step_pages = 1024L * 1024 / page_size;  // given back in one step
constexpr std::size_t steps_at_a_look = 2;
constexpr Duration longest_interval = std::chrono::seconds(1);  // between looks
constexpr int looks_per_retention = 16;
constexpr Duration free_for = std::chrono::hours(1);

}  // namespace

void Trimmer::go_on(Duration retention, std::size_t batches) {
  if (retention == forever) return;
  const Duration now = clock_.elapsed();
  if (!is_late_ && now < next_look_) return;
  next_look_ = now + std::min(retention / looks_per_retention, longest_interval);
  try {
    std::size_t steps = steps_at_a_look + batches / step_batches;
    while (steps > 0 && something_expired(retention)) {
      trim_step();
      --steps;
    }
    is_late_ = steps == 0;
    if (!is_late_) give_back_if_due();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::full) throw;  // the append will find out whether that matters
  }
}

void Trimmer::finish(Duration retention) {
  while (something_expired(retention)) {
    trim_step();
    retention = configuration_.settings.retention;  // another process may have changed it
  }
  std::int64_t left = free_pages();
  const bool anything = left > 0;
  for (std::int64_t before = left + 1; left > 0 && left < before; left = free_pages()) {
    before = left;
    committer_.commit(Sync::normal, [&] { database_.exec(fmt::format("PRAGMA incremental_vacuum({})", step_pages)); });
  }
  if (anything) committer_.checkpoint();  // only this makes the file smaller
}

bool Trimmer::something_expired(Duration retention) {
  const auto expired = expiry(retention, clock_.now());
  const Snapshot snapshot(database_, lock_wait_);
  SQLite::Statement first(database_, "SELECT arrived_at FROM batches ORDER BY id LIMIT 1");
  return expired && first.executeStep() && Timestamp(Duration(first.getColumn(0).getInt64())) < *expired;
}

void Trimmer::trim_step() {
  // Not synced: a trim that a power cut undoes is done again.
  committer_.commit(Sync::normal, [&] {
    SQLite::Statement version(database_, std::string(select_configuration_version));
    if (read_configuration_version(version) != configuration_.version) {
      configuration_ = load_configuration(database_, Access::write);
    }
    const auto expired = expiry(configuration_.settings.retention, clock_.now());
    if (!expired) return;
    Tail horizon = load_horizon(database_);
    SQLite::Statement rows = select_batches(database_, horizon.batch());
    std::int64_t bytes = 0;
    for (std::size_t batches = 0; batches < step_batches && bytes < step_bytes && rows.executeStep(); ++batches) {
      const BatchRow row = read_batch_row(rows);
      if (row.arrived_at >= *expired) break;
      advance(database_, configuration_, horizon, row);
      bytes += row.data_bytes + row.record_count;  // a newline after each record
    }
    rows.reset();
    for (const char* const sql : {"DELETE FROM batches WHERE id <= ?", "DELETE FROM batch_index WHERE batch <= ?",
                                  "DELETE FROM batch_shards WHERE last_batch <= ?"}) {
      SQLite::Statement remove(database_, sql);
      remove.bind(1, horizon.batch());
      remove.exec();
    }
    store_horizon(database_, horizon);
  });
}

/// Gives back one step if enough space has been free for long enough. Otherwise stores since when enough has been free.
void Trimmer::give_back_if_due() {
  const std::int64_t free = free_pages();
  const Timestamp now = clock_.now();
  bool mostly_free = false;
  std::optional<Timestamp> since;
  {
    const Snapshot snapshot(database_, lock_wait_);
    mostly_free = free >= step_pages && 2 * free > database_.execAndGet("PRAGMA page_count").getInt64();
    SQLite::Statement row(database_, "SELECT mostly_free_since FROM trim_horizon");
    if (row.executeStep() && !row.isColumnNull(0)) since = Timestamp(Duration(row.getColumn(0).getInt64()));
  }
  if (mostly_free == since.has_value() && (!mostly_free || now - free_for < *since)) return;
  committer_.commit(Sync::normal, [&] {
    if (mostly_free && since) {
      database_.exec(fmt::format("PRAGMA incremental_vacuum({})", step_pages));
    } else {
      SQLite::Statement note(database_, "UPDATE trim_horizon SET mostly_free_since = ?");
      if (mostly_free) note.bind(1, std::int64_t{now.time_since_epoch().count()});
      note.exec();
    }
  });
}

std::int64_t Trimmer::free_pages() {
  const Snapshot snapshot(database_, lock_wait_);
  return database_.execAndGet("PRAGMA freelist_count").getInt64();
}

}  // namespace shardlog::sqlite

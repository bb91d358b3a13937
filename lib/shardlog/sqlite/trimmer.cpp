#include "shardlog/sqlite/trimmer.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/segment_removal.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t step_pages = 1024L * 1024 / page_size;  // given back in one step
constexpr std::size_t steps_at_a_look = 2;
constexpr Duration longest_interval = std::chrono::seconds(1);  // between looks
constexpr int looks_per_retention = 16;
constexpr Duration free_for = std::chrono::hours(1);
constexpr Duration until_next_try = std::chrono::hours(1);
constexpr std::int64_t little_space = 512L * 1024 * 1024;  // on the disk

}  // namespace

void Trimmer::go_on(const StreamSettings& settings, std::size_t batches) {
  try {
    look_for_leftovers();
    if (settings.retention != forever || settings.until_consumed) trim(settings, batches);
    remove_segments();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::full) throw;  // the append will find out whether that matters
  }
}

void Trimmer::trim(const StreamSettings& settings, std::size_t batches) {
  const Duration now = clock_.elapsed();
  if (!is_late_ && now < next_look_) return;
  next_look_ = now + std::min(settings.retention / looks_per_retention, longest_interval);
  std::size_t steps = steps_at_a_look + batches / trim_step_batches;
  while (steps > 0 && something_may_go()) {
    trim_step();
    --steps;
  }
  is_late_ = steps == 0;
  if (!is_late_) give_back_if_due();
}

/// If they may be what makes the disk full. Those that cannot be removed would cost each look a commit and a sync.
void Trimmer::look_for_leftovers() {
  const Duration now = clock_.elapsed();
  if (segments_ == nullptr || now < next_look_for_leftovers_) return;
  next_look_for_leftovers_ = now + longest_interval;
  if (segments_->free_bytes() >= little_space) return;
  if (!sweep_segments(database_, lock_wait_, committer_, *segments_)) next_look_for_leftovers_ = now + until_next_try;
  trimmed_ = true;  // maybe by others
}

/// Those of which all batches were trimmed, and the ends of those whose owners were killed.
void Trimmer::remove_segments() {
  if (segments_ == nullptr || !trimmed_) return;
  trimmed_ = false;
  const auto can_remove = [this] {
    const Snapshot snapshot(database_, lock_wait_);
    return can_remove_segments(database_, *segments_);
  };
  if (can_remove()) sqlite::remove_segments(database_, committer_, *segments_);
}

void Trimmer::finish() {
  if (segments_ != nullptr) sweep_segments(database_, lock_wait_, committer_, *segments_);
  trimmed_ = true;  // maybe by others
  while (something_may_go()) trim_step();
  remove_segments();
  std::int64_t left = free_pages();
  const bool anything = left > 0;
  for (std::int64_t before = left + 1; left > 0 && left < before; left = free_pages()) {
    before = left;
    committer_.commit(Sync::normal, [&] { database_.exec(fmt::format("PRAGMA incremental_vacuum({})", step_pages)); });
  }
  if (anything) committer_.checkpoint();  // only this makes the file smaller
}

bool Trimmer::something_may_go() {
  const Snapshot snapshot(database_, lock_wait_);
  read_configuration();
  return TrimStep(trimming_, configuration_, clock_.now(), excess()).has_work();
}

void Trimmer::trim_step() {
  trimmed_ = true;
  // Not synced: a trim that a power cut undoes is done again.
  committer_.commit(Sync::normal, [&] {
    read_configuration();
    TrimStep(trimming_, configuration_, clock_.now(), excess()).run();
  });
}

/// Unless it is up to date.
void Trimmer::read_configuration() {
  SQLite::Statement version(database_, std::string(select_configuration_version));
  if (!refresh(configuration_, database_, version, Access::write)) return;
  tail_ = Tail();  // a repair of the clock changes arrivals
}

/// How many bytes the stream holds over its bound.
std::int64_t Trimmer::excess() {
  if (configuration_.settings.max_bytes == unbounded) return 0;
  TailScan(database_).catch_up(configuration_, tail_);
  const std::int64_t held = bytes_up_to(tail_) - bytes_up_to(read_horizon(database_));
  return std::max<std::int64_t>(held - static_cast<std::int64_t>(configuration_.settings.max_bytes), 0);
}

/// Gives back one step if enough space has been free for long enough. Otherwise stores since when enough has been free.
void Trimmer::give_back_if_due() {
  const std::int64_t free = free_pages();
  const Timestamp now = clock_.now();
  bool mostly_free = false;
  std::optional<Timestamp> since;
  {
    const Snapshot snapshot(database_, lock_wait_);
    mostly_free = free >= step_pages && 2 * free > database_.number("PRAGMA page_count");
    Prepared row(database_, "SELECT mostly_free_since FROM trim_horizon");
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
  return database_.number("PRAGMA freelist_count");
}

}  // namespace shardlog::sqlite

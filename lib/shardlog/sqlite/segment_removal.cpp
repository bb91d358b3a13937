#include "shardlog/sqlite/segment_removal.h"

#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

namespace {

/// A segment that can be removed or cut off.
struct Disposable {
  SegmentRow row;
  bool is_trimmed;  ///< otherwise its owner has left bytes after the end
  /// With its lock, so that nobody begins to write to it, and verify() sees that somebody is at work here. A sealed one
  /// may do without.
  HeldSegment held;
};

/// Empty if somebody writes to the segment, or if it cannot be opened.
HeldSegment lock_of(const SegmentFiles& files, std::int64_t id, int flags) {
  try {
    return files.hold(id, flags);
  } catch (const Error&) {
    return {};
  }
}

/// The segment, locked, if it is longer than it should be and nobody writes to it; empty otherwise.
HeldSegment abandoned(const SegmentFiles& files, const SegmentRow& row) {
  if (files.size_of(row.id).value_or(0) <= row.file_end()) return {};  // spares its lock, which may be wanted just now
  HeldSegment file = lock_of(files, row.id, O_RDWR);
  struct stat facts {};
  const bool longer = file.valid() && ::fstat(file.get(), &facts) == 0 && facts.st_size > row.file_end();
  return longer ? std::move(file) : HeldSegment();
}

std::optional<Disposable> disposable(const SegmentFiles& files, const SegmentRow& row, std::int64_t horizon) {
  const bool is_trimmed = row.end > 0 && row.last_batch <= horizon;
  HeldSegment held = is_trimmed ? lock_of(files, row.id, O_RDONLY) : abandoned(files, row);
  if (!held.valid() && !(is_trimmed && row.sealed)) return std::nullopt;
  return Disposable{row, is_trimmed, std::move(held)};
}

/// The first ones, because each has a descriptor.
std::vector<Disposable> some_disposable(Database& database, const SegmentFiles& files, std::size_t most) {
  const std::int64_t horizon = database.number("SELECT ifnull(max(batch), -1) FROM trim_horizon");
  SQLite::Statement rows(
      database, fmt::format("SELECT {} FROM segments WHERE NOT sealed OR (end > 0 AND last_batch <= ?) ORDER BY id",
                            segment_columns));
  rows.bind(1, horizon);
  std::vector<Disposable> found;
  while (found.size() < most && rows.executeStep()) {
    try {
      if (auto each = disposable(files, read_segment_row(rows), horizon)) found.push_back(std::move(*each));
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): an append need not fail because of a damaged row
    }
  }
  return found;
}

void remove_row(Database& database, std::int64_t id) {
  execute(database, "DELETE FROM segments WHERE id = ?", id);
}

/// The newest row stays, so that no id is used twice.
void dispose(Database& database, const Disposable& each, std::int64_t newest) {
  if (each.is_trimmed && each.row.id != newest) return remove_row(database, each.row.id);
  SegmentRow sealed = each.is_trimmed ? SegmentRow{.id = each.row.id} : each.row;
  sealed.sealed = true;
  replace_segment(database, each.row, sealed);
}

}  // namespace

void Leftovers::add(std::int64_t segment, std::int64_t end, HeldSegment held) {
  all_.push_back({segment, end, std::move(held)});
}

std::int64_t Leftovers::newest() const {
  return all_.empty() ? 0 : std::ranges::max_element(all_, {}, &Leftover::segment)->segment;
}

bool Leftovers::discard(Committer& committer, const SegmentFiles& files) {
  if (all_.empty()) return true;
  committer.make_durable();
  bool all_gone = true;
  for (const auto& [segment, end, held] : all_) {
    const bool gone = end == 0 ? files.remove(segment) : ::ftruncate(held.get(), end) == 0;
    all_gone = all_gone && gone;
  }
  all_.clear();
  return all_gone;
}

bool can_remove_segments(Database& database, const SegmentFiles& files) {
  return !some_disposable(database, files, 1).empty();
}

void remove_segments(Database& database, Committer& committer, const SegmentFiles& files) {
  constexpr std::size_t at_once = 64;
  std::size_t count = 0;
  do {
    Leftovers leftovers;
    const auto change = [&] {
      const std::int64_t newest = database.number("SELECT ifnull(max(id), 0) FROM segments");
      std::vector<Disposable> found = some_disposable(database, files, at_once);
      count = found.size();
      for (Disposable& each : found) {
        dispose(database, each, newest);
        leftovers.add(each.row.id, each.is_trimmed ? 0 : each.row.file_end(), std::move(each.held));
      }
    };
    committer.commit(Sync::normal, change, Told::nobody);
    leftovers.discard(committer, files);
  } while (count == at_once);
}

Leftovers find_leftovers(const SegmentFiles& files, std::span<const SegmentRow> rows,
                         std::span<const SegmentFiles::File> there) {
  Leftovers leftovers;
  for (const SegmentFiles::File& file : there) {
    if (!is_within_reach(file.id, newest_id(rows))) continue;
    const auto row = std::ranges::lower_bound(rows, file.id, {}, &SegmentRow::id);
    const bool known = row != rows.end() && row->id == file.id;
    if (!known || (row->sealed && row->end == 0)) {
      leftovers.add(file.id, 0, {});
    } else if (row->sealed && file.size > row->file_end()) {
      if (auto held = abandoned(files, *row); held.valid()) leftovers.add(file.id, row->file_end(), std::move(held));
    }
  }
  return leftovers;
}

bool sweep_segments(Database& database, const LockWait& lock_wait, Committer& committer, const SegmentFiles& files) {
  if (!files.may_list()) return true;
  // Before the transaction, because after an error in it nobody would know whether it stands.
  const std::vector<SegmentFiles::File> there = files.list();
  Leftovers leftovers;
  std::int64_t newest = 0;  // of the rows
  const auto find = [&] {
    const std::vector<SegmentRow> rows = load_segments(database);
    newest = newest_id(rows);
    leftovers = Leftovers();  // lets go of the locks, so that they can be taken again
    leftovers = find_leftovers(files, rows, there);
  };
  const auto change = [&] {
    find();
    if (leftovers.newest() > newest) insert_segment(database, {.id = leftovers.newest(), .sealed = true});
  };
  try {
    {
      const Snapshot snapshot(database, lock_wait);
      find();
    }
    if (leftovers.newest() == 0) return true;
    committer.commit(Sync::normal, change, Told::nobody);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return true;  // verify() tells of it
  }
  return leftovers.discard(committer, files);
}

void remove_empty_rows(Database& database, std::span<const SegmentRow> rows,
                       std::span<const SegmentFiles::File> there) {
  for (const SegmentRow& row : rows) {
    const bool has_file = std::ranges::binary_search(there, row.id, {}, &SegmentFiles::File::id);
    if (row.end == 0 && (row.sealed || !has_file)) remove_row(database, row.id);
  }
}

}  // namespace shardlog::sqlite

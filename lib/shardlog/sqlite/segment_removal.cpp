#include "shardlog/sqlite/segment_removal.h"

#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

namespace {

struct Removable {
  SegmentRow row;
  FileDescriptor held;  ///< with the lock of one that is not sealed, so that nobody begins to write to it
};

/// Empty if somebody writes to the segment, or if it cannot be opened.
FileDescriptor lock_of(const SegmentFiles& files, std::int64_t id) {
  try {
    FileDescriptor file = files.open(id, O_RDONLY);
    if (file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it is left alone
  }
  return {};
}

std::vector<Removable> removable(SQLite::Database& database, const SegmentFiles& files) {
  std::vector<Removable> found;
  SQLite::Statement rows(database,
                         fmt::format("SELECT {} FROM segments WHERE end > 0 AND last_batch <= (SELECT batch FROM "
                                     "trim_horizon LIMIT 1) ORDER BY id",
                                     segment_columns));
  while (rows.executeStep()) {
    Removable each{read_segment_row(rows), {}};
    if (!each.row.sealed) each.held = lock_of(files, each.row.id);
    if (each.row.sealed || each.held.valid()) found.push_back(std::move(each));
  }
  return found;
}

void remove_row(SQLite::Database& database, std::int64_t id) {
  execute(database, "DELETE FROM segments WHERE id = ?", id);
}

}  // namespace

bool can_remove_segments(SQLite::Database& database, const SegmentFiles& files) {
  return !removable(database, files).empty();
}

void remove_segments(SQLite::Database& database, Committer& committer, const SegmentFiles& files) {
  std::vector<Removable> gone;
  const auto change = [&] {
    gone = removable(database, files);
    const std::int64_t newest = database.execAndGet("SELECT ifnull(max(id), 0) FROM segments").getInt64();
    for (const auto& [row, held] : gone) {
      if (row.id == newest) {  // its row stays, so that no id is used twice
        replace_segment(database, row, {.id = row.id, .sealed = true});
      } else {
        remove_row(database, row.id);
      }
    }
  };
  committer.commit(Sync::full, change, Told::nobody);
  for (const auto& [row, held] : gone) files.remove(row.id);
}

void sweep(SQLite::Database& database, const SegmentFiles& files, std::span<const SegmentRow> rows) {
  std::set<std::int64_t> there;
  for (const SegmentFiles::File& file : files.list()) there.insert(file.id);
  std::set<std::int64_t> used;
  for (const SegmentRow& row : rows) {
    if (row.end > 0 || (!row.sealed && there.contains(row.id))) {
      used.insert(row.id);
    } else {
      remove_row(database, row.id);
    }
  }
  for (const std::int64_t id : there) {
    if (!used.contains(id)) files.remove(id);
  }
}

}  // namespace shardlog::sqlite

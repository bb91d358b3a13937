#pragma once

#include <SQLiteCpp/Database.h>

#include <span>

#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// Whether there are segments that hold only trimmed batches, and to which nobody writes. REQUIRES: a transaction is
/// open. Throws corrupt
bool can_remove_segments(SQLite::Database& database, const SegmentFiles& files);

/// Removes them. Their rows go first, in a commit that is synced: before that, a power cut could bring batches back
/// that are in them. Throws as Stream::append().
void remove_segments(SQLite::Database& database, Committer& committer, const SegmentFiles& files);

/// Removes what holds nothing: files of which no row tells, which writers leave that were killed while they made or
/// removed a segment, and rows of empty segments that have no file, or are sealed. `rows` are all rows of the table; a
/// new one with a larger id must follow. REQUIRES: a transaction that writes is open, under the writer lock
void sweep(SQLite::Database& database, const SegmentFiles& files, std::span<const SegmentRow> rows);

}  // namespace shardlog::sqlite

#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <span>
#include <vector>

#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// Files, and ends of files, that hold nothing. A transaction finds them, and they go after it, once the log is on disk
/// up to it. Before that, a power cut or the recovery of the log could still bring back rows that name their bytes: a
/// commit whose writer was killed while it synced stays in the log, unseen, until another commit overwrites it.
class Leftovers {
 public:
  /// The bytes of the segment after `end`, or if that is 0 the file. `held` is the file, with its lock; a file that
  /// goes and to which nobody writes needs none. REQUIRES: `end` stays where it is, and no segment gets this id any
  /// more
  void add(std::int64_t segment, std::int64_t end, FileDescriptor held);

  /// REQUIRES: the transaction is committed. Throws as Stream::make_durable(): then they stay, for others to find.
  void discard(Committer& committer, const SegmentFiles& files);

 private:
  struct Leftover {
    std::int64_t segment;
    std::int64_t end;
    FileDescriptor held;
  };

  std::vector<Leftover> all_;
};

/// Whether there is anything for remove_segments(). REQUIRES: a transaction is open
bool can_remove_segments(SQLite::Database& database, const SegmentFiles& files);

/// Removes the segments that hold only trimmed batches. Seals those whose owners have left bytes after the end, and
/// cuts these off: an owner was killed, or does not know whether its last commit stands. Leaves alone what somebody
/// writes to, and what is damaged. Throws as Stream::append().
void remove_segments(SQLite::Database& database, Committer& committer, const SegmentFiles& files);

/// Finds the files that hold nothing: no row tells of them, because a writer was killed while it made or removed them.
/// Removes the rows of empty segments that have no file, or are sealed. `rows` are all rows of the table, `there` the
/// files; a row with a larger id than all of them must follow. REQUIRES: a transaction that writes is open, under the
/// writer lock
void sweep(SQLite::Database& database, std::span<const SegmentFiles::File> there, std::span<const SegmentRow> rows,
           Leftovers& leftovers);

}  // namespace shardlog::sqlite

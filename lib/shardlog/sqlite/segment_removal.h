#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// Files, and ends of files, that hold nothing. A transaction finds them, and they go after it, once the log is on disk
/// up to it. Before that, a power cut or the recovery of the log could still bring back rows that name their bytes: a
/// commit whose writer was killed while it synced stays in the log, unseen, until another commit overwrites it.
class Leftovers {
 public:
  /// The bytes of the segment after `end`, which is SegmentRow::file_end(), or if that is 0 the file. `held` is the
  /// file, with its lock; a file that goes and to which nobody writes needs none. REQUIRES: `end` stays where it is,
  /// and no segment gets this id any more
  void add(std::int64_t segment, std::int64_t end, HeldSegment held);

  /// The largest id of those segments; 0 if there are none.
  [[nodiscard]] std::int64_t newest() const;

  /// Returns false if any cannot be discarded. REQUIRES: the transaction is committed. Throws as
  /// Stream::make_durable(): then they stay, for others to find.
  bool discard(Committer& committer, const SegmentFiles& files);

 private:
  struct Leftover {
    std::int64_t segment;
    std::int64_t end;
    HeldSegment held;
  };

  std::vector<Leftover> all_;
};

/// Whether there is anything for remove_segments(). REQUIRES: a transaction is open
bool can_remove_segments(Database& database, const SegmentFiles& files);

/// Removes the segments that hold only trimmed batches. Seals those whose owners have left bytes after the end, and
/// cuts these off: an owner was killed, or does not know whether its last commit stands. Leaves alone what somebody
/// writes to, and what is damaged. Throws as Stream::append().
void remove_segments(Database& database, Committer& committer, const SegmentFiles& files);

/// The files that hold nothing, because no row tells of them, or one that is sealed and empty: a process was killed
/// while it made or removed them. And the ends of sealed segments. `rows` are all rows of the table. REQUIRES: a
/// transaction is open, and before they are discarded a row with an id that is as large as theirs is committed
Leftovers find_leftovers(const SegmentFiles& files, std::span<const SegmentRow> rows,
                         std::span<const SegmentFiles::File> there);

/// Discards them. On a full disk this works too, because it needs no room unless they are newer than all rows. Does
/// nothing if a row is damaged, or if this user may not list the directory. Returns false if any cannot be discarded.
/// Throws as Stream::append().
bool sweep_segments(Database& database, const LockWait& lock_wait, Committer& committer, const SegmentFiles& files);

/// Removes the rows of empty segments that have no file, or are sealed. A row with a larger id must follow. REQUIRES: a
/// transaction that writes is open
void remove_empty_rows(Database& database, std::span<const SegmentRow> rows, std::span<const SegmentFiles::File> there);

}  // namespace shardlog::sqlite

#pragma once

#include <cstddef>

#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/trim_step.h"

namespace shardlog::sqlite {

/// Removes what may go (TrimStep), and gives space back. Arrivals never decrease in commit order, so the expired
/// batches are the first ones, and trimming moves the trim horizon on. Each step, or giving 1 MiB back, is a commit of
/// its own, so that no writer waits for long.
class Trimmer {
 public:
  /// All must outlive it. `segments` is nullptr if the stream has none.
  Trimmer(Database& database, Committer& committer, const SegmentFiles* segments, const LockWait& lock_wait,
          const Clock& clock)
      : database_(database),
        committer_(committer),
        segments_(segments),
        lock_wait_(lock_wait),
        clock_(clock),
        trimming_(database) {
    configuration_.version = 0;
  }

  /// Call it before each append of `batches` batches. It looks for work now and then, and does just enough to keep pace
  /// with the writer. It gives space back once more than half of the file has been free for an hour, and looks for what
  /// killed processes have left if the disk is nearly full. Throws as Stream::append().
  void go_on(const StreamSettings& settings, std::size_t batches);

  /// Something was trimmed by others: go_on() looks for segments that are not needed any more.
  void note_trimmed() { trimmed_ = true; }

  /// Trims all that may go, removes what killed processes have left, and gives back all free space. Throws as
  /// Stream::append().
  void finish();

 private:
  void trim(const StreamSettings& settings, std::size_t batches);
  void remove_segments();
  void look_for_leftovers();
  [[nodiscard]] bool something_may_go();
  void trim_step();
  void read_configuration();
  [[nodiscard]] std::int64_t excess();
  void give_back_if_due();
  [[nodiscard]] std::int64_t free_pages();

  Database& database_;
  Committer& committer_;
  const SegmentFiles* segments_;
  const LockWait& lock_wait_;
  const Clock& clock_;
  Trimming trimming_;
  Configuration configuration_;  ///< until it is loaded, it has version 0, which no stream has
  Tail tail_;                    ///< used only for a bounded stream
  Duration next_look_ = Duration::min();
  Duration next_look_for_leftovers_ = Duration::min();
  bool is_late_ = false;  ///< the last look left batches that may go
  bool trimmed_ = true;   ///< since the last look for segments; an earlier process may have left some
};

}  // namespace shardlog::sqlite

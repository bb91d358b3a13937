#pragma once

#include <cstdint>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

/// Decides when the write-ahead log is copied into the database file, and does it.
///
/// Every checkpoint of every process runs here. All functions that write REQUIRE the writer lock: versions of SQLite
/// before 3.51.3 can lose committed transactions if a checkpoint meets a writer that starts the WAL over
/// (sqlite.org/wal.html, "The WAL-reset bug"). Most machines have such an older version.
class WriteAheadLog {
 public:
  /// Beyond this size nothing is appended before a checkpoint succeeds.
  static constexpr std::int64_t ceiling = 256L * 1024 * 1024;

  /// A longer log is emptied at exit: reading it back would take the next opening about as long.
  static constexpr std::int64_t exit_threshold = 1024L * 1024;

  /// Both must outlive it.
  WriteAheadLog(Database& database, const Paths& paths, const Clock& clock);
  WriteAheadLog(const WriteAheadLog&) = delete;
  WriteAheadLog& operator=(const WriteAheadLog&) = delete;
  ~WriteAheadLog();

  /// Before a commit. Throws busy if the log has reached its ceiling and readers stay in the way for `timeout`.
  ///
  /// Trimming needs room in the log, and emptying the log needs room in the database: without any room, a full disk
  /// would stay full for ever. So this throws full if an append of at most `pages` would not leave enough for both; a
  /// commit of 0 pages may use the reserve. If room is short, the log is emptied first.
  void make_room(Duration timeout, std::int64_t pages);

  /// Call it after a commit. Only then is the length of the log known, because others write to it and empty it too.
  /// Checkpoints a log that is long enough: 4 MiB after small commits, up to 64 MiB after large ones. A reader in the
  /// way puts the checkpoint off.
  void checkpoint_if_due();

  /// The same for a process that commits only by the way: it leaves that to the writers, unless the log is longer than
  /// they ever let it become.
  void checkpoint_if_neglected();

  /// Makes the commits that are in the log durable.
  void sync();

  /// Copies everything into the database file, durably. Throws busy if readers stay in the way for `timeout`.
  void checkpoint_fully(Duration timeout);

  /// Copies everything, unless readers are in the way.
  void checkpoint_now();

  /// At an orderly exit: shortens the log for the next opening, unless that would mean waiting.
  void checkpoint_at_exit();

  /// Whether the next commit begins the log, which costs syncs of its header and of the directory.
  [[nodiscard]] bool is_empty() const { return size() == 0; }

  /// Whether there is anything for checkpoint_at_exit() to do. Needs no lock.
  [[nodiscard]] bool is_long() const { return size() > exit_threshold; }

 private:
  static int on_commit(void* self, sqlite3* connection, const char* database, int pages);

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::int64_t free_bytes() const;
  [[nodiscard]] std::int64_t needed(std::int64_t pages, std::int64_t reusable);
  [[nodiscard]] bool fits(std::int64_t pages, std::int64_t reusable);
  void keep_reserve(std::int64_t pages);
  bool checkpoint(int mode);
  bool checkpoint_unless_full(int mode);

  Database& database_;
  const Paths& paths_;
  const Clock& clock_;
  std::int64_t pages_ = 0;           ///< in the log after our last commit; before our first, an upper bound
  std::int64_t largest_commit_ = 0;  ///< in pages, since the last checkpoint
  std::int64_t put_off_until_pages_ = 0;
  Duration put_off_until_{};
  std::int64_t largest_file_;  ///< bytes, by the limit of this process
};

}  // namespace shardlog::sqlite

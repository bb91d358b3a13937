#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

/// Decides when the write-ahead log is copied into the database file, and does it.
///
/// Every checkpoint of every process runs here, and all that write REQUIRE that the writer lock is held:
/// before version 3.51.3 SQLite loses committed transactions for ever when a checkpoint meets a writer that starts the
/// WAL over (sqlite.org/wal.html, "The WAL-reset bug"), and that is the version on most machines.
class WriteAheadLog {
 public:
  /// Beyond this size nothing is appended before a checkpoint succeeds.
  static constexpr std::int64_t ceiling = 256L * 1024 * 1024;

  /// No more is left behind at an exit: to read it back takes the next opening about as long as emptying it, now and
  /// then.
  static constexpr std::int64_t exit_threshold = 1024L * 1024;

  /// Both must outlive it.
  WriteAheadLog(SQLite::Database& database, const Paths& paths, const Clock& clock);
  WriteAheadLog(const WriteAheadLog&) = delete;
  WriteAheadLog& operator=(const WriteAheadLog&) = delete;
  ~WriteAheadLog();

  /// Before a commit. Throws busy when the ceiling is reached and readers stay in the way for `timeout`.
  ///
  /// Trimming needs room in the log, and the log is emptied into the database: without any room left a full disk would
  /// stay full for ever. So an append of at most `pages` is refused as full where it would not leave enough for both;
  /// a commit of 0 pages may use what is kept. Where room is short the log is emptied first.
  void make_room(Duration timeout, std::int64_t pages);

  /// After a commit, when it is known how long the log is, whoever else has written to it or emptied it. Checkpoints
  /// when enough has gathered: 4 MiB between small commits, up to 64 MiB between large ones. A reader that is in the
  /// way puts it off.
  void checkpoint_if_due();

  /// Makes the commits that are in the log durable.
  void sync();

  /// Copies everything into the database file, durably. Throws busy when readers stay in the way for `timeout`.
  void checkpoint_fully(Duration timeout);

  /// Copies what there is, unless readers are in the way.
  void checkpoint_now();

  /// At an orderly exit: leaves a short log to whoever opens the stream next, if that can be had without waiting.
  void checkpoint_at_exit();

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

  SQLite::Database& database_;
  const Paths& paths_;
  const Clock& clock_;
  std::int64_t pages_ = 0;           ///< in the log after our last commit; before the first, at most
  std::int64_t largest_commit_ = 0;  ///< in pages, since the last checkpoint
  std::int64_t put_off_until_pages_ = 0;
  Duration put_off_until_{};
  std::int64_t largest_file_;  ///< bytes, by the limit of this process
};

}  // namespace shardlog::sqlite

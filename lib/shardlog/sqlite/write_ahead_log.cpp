#include "shardlog/sqlite/write_ahead_log.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/schema.h"

namespace shardlog::sqlite {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t mib = 1024L * 1024;
constexpr std::int64_t smallest_threshold = 4 * mib;
// As journal_size_limit: SQLite cuts a longer log off there, and then it has to grow again.
constexpr std::int64_t usual_size = 64 * mib;
constexpr std::int64_t commits_between = 16;
constexpr std::int64_t put_off_bytes = 16 * mib;
constexpr Duration put_off_time = milliseconds(250);
constexpr milliseconds moment{1};
constexpr int most_moments = 50;  // how long a checkpoint waits for readers

/// SQLite's callback for a held lock: whether to try again.
int wait_a_moment(void* /*context*/, int waited) {
  if (waited >= most_moments) return 0;
  std::this_thread::sleep_for(moment);
  return 1;
}

constexpr std::int64_t plenty = 2 * WriteAheadLog::ceiling;  // with this much free space every commit has room
// The most pages that a step of trimming, which also counts what it trims, or of giving back space writes; never more
// than the database has.
constexpr std::int64_t reserved_pages = 100;
constexpr std::int64_t frame_header = 24;  // bytes (sqlite.org/walformat.html)

constexpr std::int64_t bytes_of(std::int64_t pages) {
  return pages * page_size;
}

std::int64_t file_size_limit() {
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? static_cast<std::int64_t>(limit.rlim_cur) : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

WriteAheadLog::WriteAheadLog(Database& database, const Paths& paths, const Clock& clock)
    : database_(database), paths_(paths), clock_(clock), largest_file_(file_size_limit()) {
  // Only a commit tells how much of the file is in use. Until then all of it counts as used: the file gets long
  // only while a reader is in the way.
  pages_ = size() / page_size;
  sqlite3_wal_hook(database_.getHandle(), &WriteAheadLog::on_commit, this);
}

WriteAheadLog::~WriteAheadLog() {
  sqlite3_wal_hook(database_.getHandle(), nullptr, nullptr);
}

int WriteAheadLog::on_commit(void* self, sqlite3* connection, const char* /*database*/, int pages) {
  auto& log = *static_cast<WriteAheadLog*>(self);
  int written = 0;  // by this connection since the last time: the commit's own pages
  int highest = 0;
  sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 1);
  log.largest_commit_ = std::max<std::int64_t>(log.largest_commit_, written);
  log.pages_ = pages;
  return SQLITE_OK;
}

void WriteAheadLog::make_room(Duration timeout, std::int64_t pages) {
  if (bytes_of(pages_) >= ceiling) checkpoint_fully(timeout);
  if (largest_file_ < plenty || free_bytes() < plenty) keep_reserve(pages);
}

/// What the file system has for this user. If it does not say, that counts as enough.
std::int64_t WriteAheadLog::free_bytes() const {
  struct statvfs facts {};
  if (::statvfs(paths_.directory.c_str(), &facts) != 0 || facts.f_blocks == 0) return plenty;
  const auto blocks = ::geteuid() == 0 ? facts.f_bfree : facts.f_bavail;
  return static_cast<std::int64_t>(blocks * facts.f_frsize);
}

/// The bytes that an append of `pages` needs, now and when the log is emptied afterwards. If a later step of trimming
/// needs more of the log, that counts instead: the log is reused in between. `reusable` is how many bytes of the log
/// are free.
std::int64_t WriteAheadLog::needed(std::int64_t pages, std::int64_t reusable) {
  const std::int64_t there = database_.number("PRAGMA page_count");
  const std::int64_t free = database_.number("PRAGMA freelist_count");
  const std::int64_t then = there + std::max<std::int64_t>(pages - free, 0);
  const std::int64_t logged = std::max(pages, std::min(reserved_pages, then)) * (page_size + frame_header);
  return std::max<std::int64_t>(logged - reusable, 0) +
         std::max<std::int64_t>(bytes_of(then) - size_of(paths_.database()), 0);
}

bool WriteAheadLog::fits(std::int64_t pages, std::int64_t reusable) {
  const std::int64_t need = needed(pages, reusable);
  // The limit on file sizes holds for each of the two files. This assumes that all growth goes to the longer one.
  const std::int64_t longest = std::max(size() - reusable, size_of(paths_.database()));
  return need <= free_bytes() && need <= largest_file_ - longest;
}

void WriteAheadLog::keep_reserve(std::int64_t pages) {
  if (fits(pages, 0)) return;
  if (checkpoint_unless_full(SQLITE_CHECKPOINT_RESTART) && fits(pages, size())) return;
  if (pages == 0) return;
  if (checkpoint_unless_full(SQLITE_CHECKPOINT_TRUNCATE) && fits(pages, 0)) return;
  constexpr std::int64_t kib = 1024;
  throw Error(
      ErrorCode::full,
      fmt::format("append: the disk is full: {} KiB are free, and {} KiB are needed to store this and to trim later",
                  free_bytes() / kib, needed(pages, 0) / kib));
}

void WriteAheadLog::checkpoint_if_due() {
  const std::int64_t commit = bytes_of(largest_commit_);
  const std::int64_t most = std::max(usual_size - commit, smallest_threshold);
  if (bytes_of(pages_) < std::clamp(commit * commits_between, smallest_threshold, most)) return;
  if (pages_ < put_off_until_pages_ && clock_.elapsed() < put_off_until_) return;
  if (checkpoint(SQLITE_CHECKPOINT_RESTART)) return;
  put_off_until_pages_ = pages_ + put_off_bytes / page_size;
  put_off_until_ = clock_.elapsed() + put_off_time;
}

void WriteAheadLog::checkpoint_if_neglected() {
  if (bytes_of(pages_) > usual_size) checkpoint(SQLITE_CHECKPOINT_RESTART);
}

void WriteAheadLog::sync() {
  sqlite3* const connection = database_.getHandle();
  sqlite3_file* log = nullptr;  // SQLite's own descriptor: closing another one would drop SQLite's locks
  int result = sqlite3_file_control(connection, nullptr, SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (result != SQLITE_OK) throw SQLite::Exception(connection, result);
  result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (result != SQLITE_OK)
    throw Error(ErrorCode::io, fmt::format("sync the write-ahead log: {}", sqlite3_errstr(result)));
}

void WriteAheadLog::checkpoint_fully(Duration timeout) {
  const Duration end = clock_.elapsed() + timeout;
  while (!checkpoint(SQLITE_CHECKPOINT_RESTART)) {
    if (clock_.elapsed() >= end) {
      const std::string readers = holders_of_log(paths_.directory);
      throw Error(ErrorCode::busy, fmt::format("readers keep the write-ahead log of {} MiB from being emptied{}{}",
                                               size() / mib, readers.empty() ? "" : ": ", readers));
    }
  }
}

void WriteAheadLog::checkpoint_now() {
  checkpoint(SQLITE_CHECKPOINT_RESTART);
}

void WriteAheadLog::checkpoint_at_exit() {
  if (!is_long()) return;
  if (checkpoint(SQLITE_CHECKPOINT_RESTART)) {
    sqlite3_wal_checkpoint_v2(database_.getHandle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }
}

std::int64_t WriteAheadLog::size() const {
  return size_of(paths_.write_ahead_log());
}

/// False also if the disk is full: then the log keeps its content.
bool WriteAheadLog::checkpoint_unless_full(int mode) {
  try {
    return checkpoint(mode);
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() != SQLITE_FULL) throw;
    return false;
  }
}

/// False if readers or a recovery were in the way; it has copied as much as it could.
bool WriteAheadLog::checkpoint(int mode) {
  sqlite3* const connection = database_.getHandle();
  sqlite3_busy_handler(connection, &wait_a_moment, nullptr);
  const int result = sqlite3_wal_checkpoint_v2(connection, nullptr, mode, nullptr, nullptr);
  sqlite3_busy_handler(connection, nullptr, nullptr);
  if ((result & 0xff) == SQLITE_BUSY) return false;
  if (result != SQLITE_OK) throw SQLite::Exception(connection, result);
  pages_ = 0;
  largest_commit_ = 0;
  return true;
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/committer.h"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/losses.h"

namespace shardlog::sqlite {

namespace {

// How long to wait on exit, so that waiting writers, which wake up slowly, take the lock first: if the log were cut off
// now, they would have to make it grow again.
constexpr std::chrono::milliseconds give_way{1};

bool lacks_memory(const SQLite::Exception& error) {
  return error.getErrorCode() == SQLITE_NOMEM || error.getExtendedErrorCode() == SQLITE_IOERR_NOMEM;
}

}  // namespace

Committer::Committer(Database& database, const Paths& paths, const WriterLock& lock, const DatabaseFiles& files,
                     const OpenOptions& options, const Clock& clock)
    : database_(database),
      lock_(lock),
      files_(files),
      directory_(paths.directory),
      clock_(clock),
      timeout_(options.timeout),
      lock_wait_(paths.directory, options.timeout, clock),
      log_(database, paths, clock),
      commit_mutex_(options.commit_mutex != nullptr ? *options.commit_mutex : own_mutex_) {}

Committer::~Committer() {
  if (failure_ || leaves_log_ || !log_.is_long()) return;
  try {
    if (waited_) std::this_thread::sleep_for(give_way);
    if (const auto held = lock_.try_acquire()) {
      check_present();
      check_end();
      log_.checkpoint_at_exit();
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the next opening just takes longer
  }
}

void Committer::commit(Sync sync, const std::function<void()>& change, Told told, std::int64_t appended_pages) {
  under_lock([&](Duration left) {
    told_ = told;
    run_transaction(sync, change, left, appended_pages);
    // SQLite commits into unlinked files without an error.
    check_present();
    announce(sync);
    tidy_up();
  });
}

bool Committer::commit_if_free(const std::function<void()>& change, std::int64_t appended_pages) {
  if (failure_) throw *failure_;
  // A thread that commits without a pause would never leave it free when it is tried. It is given back after the writer
  // lock.
  const std::lock_guard under_way(commit_mutex_);
  const auto held = lock_.try_acquire();
  if (!held || lock_.outcome_unknown() || (leaves_log_ && log_.is_empty())) return false;
  check_present();
  told_ = Told::nobody;
  try {
    check_end();
    run_transaction(Sync::normal, change, Duration(0), appended_pages);
  } catch (const SQLite::Exception& error) {
    if (is_locked(error) || lacks_memory(error)) return false;
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::busy) return false;
    throw;
  }
  check_present();
  tidy_up();
  return true;
}

void Committer::make_durable() {
  under_lock([this](Duration left) {
    noting_failure("sync", [&](Stage& /*stage*/) {
      learn_outcome(left);
      log_.sync();
    });
  });
}

void Committer::checkpoint() {
  under_lock([this](Duration /*left*/) { log_.checkpoint_now(); });
}

/// `work` is told how much of the timeout is left. It is repeated if it fails with is_locked(). In between, neither the
/// lock nor the mutex is held, so that others that wait for them find out themselves what is in the way.
void Committer::under_lock(const Work& work) {
  if (failure_) throw *failure_;
  const Duration end = clock_.elapsed() + timeout_;
  lock_wait_.run([&] { try_under_lock(work, end); });
}

void Committer::try_under_lock(const Work& work, Duration end) {
  const auto left = [&] { return std::max(end - clock_.elapsed(), Duration(0)); };
  const auto acquire = [&] {
    auto held = lock_.try_acquire_for(left());
    if (!held) throw held_too_long(directory_, timeout_);
    return held;
  };
  // The mutex is given back after the writer lock. So if a thread waits for the mutex, and then stops this process, the
  // process no longer holds the lock that other writers need.
  std::unique_lock under_way(commit_mutex_, std::defer_lock);
  std::optional<WriterLock::Held> held = lock_.try_acquire();
  waited_ = !held;
  if (!held) held.emplace(*acquire());
  while (!under_way.try_lock()) {
    held.reset();
    { const std::lock_guard until_it_is_free(commit_mutex_); }
    held.emplace(*acquire());
  }
  check_present();
  check_end();
  work(left());
  held.reset();
}

void Committer::check_present() const {
  lock_.check_present();
  files_.check_present();
}

/// A log that ends too early is neither overwritten nor copied: the rest of it may still help somebody.
void Committer::check_end() {
  if (end_checked_) return;
  const auto mark = lock_.mark();
  if (mark && newest_known_batch(database_) < mark->batch) {
    throw Error(ErrorCode::corrupt, lost_tail(database_, *mark).what() +
                                        std::string("; to go on without it: stream-create --update --accept-loss"));
  }
  end_checked_ = true;
}

/// After a commit whose outcome is unknown, frames of the WAL may be in memory only, and a later sync would not report
/// it. Once they are copied into the database they are safe.
void Committer::learn_outcome(Duration timeout) {
  if (!lock_.outcome_unknown()) return;
  log_.checkpoint_fully(timeout);
  lock_.set_outcome_unknown(false);
}

void Committer::prepare(Sync sync, Duration timeout, std::int64_t appended_pages) {
  learn_outcome(timeout);
  log_.make_room(timeout, appended_pages);
  if (sync != sync_) {
    database_.exec(sync == Sync::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    sync_ = sync;
  }
}

void Committer::announce(Sync sync) const {
  if (mark_ && sync == Sync::full) {
    lock_.announce_commit(*mark_);
  } else if (told_ == Told::followers) {
    lock_.announce_commit();
  }
}

void Committer::run_transaction(Sync sync, const std::function<void()>& change, Duration timeout,
                                std::int64_t appended_pages) {
  mark_.reset();
  noting_failure("append", [&](Stage& stage) {
    prepare(sync, timeout, appended_pages);
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    stage = Stage::changing;
    change();
    stage = Stage::committing;
    transaction.commit();
  });
}

/// `work` says which stage it is about to begin.
void Committer::noting_failure(const std::string& what, const std::function<void(Stage& stage)>& work) {
  Stage stage = Stage::preparing;
  try {
    work(stage);
  } catch (const SQLite::Exception& error) {
    if (stage == Stage::preparing && is_locked(error)) throw;
    Error translated = translate(error, what);
    // SQLite may run out of memory after it has written the commit.
    const bool is_unknown = stage == Stage::committing && lacks_memory(error);
    if (is_unknown) translated = Error(ErrorCode::io, translated.what());
    note_failure(translated);
    throw translated;
  } catch (const Error& error) {
    note_failure(error);
    throw;
  }
}

/// A failure here does not undo the commit. If it is an error of the disk, the next commit is refused.
void Committer::tidy_up() {
  try {
    leaves_log_ ? log_.checkpoint_if_neglected() : log_.checkpoint_if_due();
  } catch (const SQLite::Exception& error) {
    note_failure(translate(error, "checkpoint"));
  }
}

/// After an I/O error it is unknown what the disk holds. The caller is told of that error, not of one that comes on top
/// of it: "full" would mean that nothing was stored.
void Committer::note_failure(const Error& error) {
  if (error.code() != ErrorCode::io) return;
  failure_ = error;
  try {
    lock_.set_outcome_unknown(true);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then only this process knows it
  }
}

}  // namespace shardlog::sqlite

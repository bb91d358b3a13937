#include "shardlog/sqlite/committer.h"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <chrono>
#include <optional>
#include <thread>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"

namespace shardlog::sqlite {

namespace {

// At an exit, for whoever waits for the lock: they take longer to wake up than we to come back for it, and what we cut
// off the log they would have to let it grow again by.
constexpr std::chrono::milliseconds give_way{1};

}  // namespace

Committer::Committer(SQLite::Database& database, const Paths& paths, const WriterLock& lock, const OpenOptions& options,
                     const Clock& clock)
    : database_(database),
      lock_(lock),
      timeout_(options.timeout),
      log_(database, paths, clock),
      commit_mutex_(options.commit_mutex != nullptr ? *options.commit_mutex : own_mutex_) {}

Committer::~Committer() {
  if (failure_ || !log_.is_long()) return;
  try {
    if (waited_) std::this_thread::sleep_for(give_way);
    if (const auto held = lock_.try_acquire()) {
      lock_.check_present();
      log_.checkpoint_at_exit();
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): only the next opening takes longer
  }
}

void Committer::commit(Sync sync, const std::function<void()>& change, Notice notice, std::int64_t appended_pages) {
  under_lock([&] {
    run_transaction(sync, change, appended_pages);
    // SQLite commits into unlinked files without a word.
    lock_.check_present();
    if (notice == Notice::followers) lock_.announce_commit();
    tidy_up();
  });
}

void Committer::checkpoint() {
  under_lock([this] { log_.checkpoint_now(); });
}

void Committer::under_lock(const std::function<void()>& work) {
  if (failure_) throw *failure_;
  // The mutex is given back after the writer lock: who may stop this process once it has the mutex stops no other
  // writer.
  std::unique_lock under_way(commit_mutex_, std::defer_lock);
  std::optional<WriterLock::Held> held = lock_.try_acquire();
  waited_ = !held;
  if (!held) held.emplace(lock_.acquire(timeout_));
  while (!under_way.try_lock()) {
    held.reset();
    { const std::lock_guard until_it_is_free(commit_mutex_); }
    held.emplace(lock_.acquire(timeout_));
  }
  lock_.check_present();
  work();
  held.reset();
}

void Committer::prepare(Sync sync, std::int64_t appended_pages) {
  if (lock_.outcome_unknown()) {
    // Frames of the WAL may be in memory only, and no later sync would say so. Copied into the database they are safe.
    log_.checkpoint_fully(timeout_);
    lock_.set_outcome_unknown(false);
  }
  log_.make_room(timeout_, appended_pages);
  if (sync != sync_) {
    database_.exec(sync == Sync::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    sync_ = sync;
  }
}

void Committer::run_transaction(Sync sync, const std::function<void()>& change, std::int64_t appended_pages) {
  try {
    prepare(sync, appended_pages);
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    change();
    transaction.commit();
  } catch (const SQLite::Exception& error) {
    Error translated = translate(error, "append");
    // SQLite may run out of memory when it has written the commit already.
    if (error.getErrorCode() == SQLITE_NOMEM) translated = Error(ErrorCode::io, translated.what());
    note_failure(translated);
    throw translated;
  }
}

/// What was committed stays so whatever happens here; an error of the disk stops the next commit.
void Committer::tidy_up() {
  try {
    log_.checkpoint_if_due();
  } catch (const SQLite::Exception& error) {
    note_failure(translate(error, "checkpoint"));
  }
}

/// What the disk holds is unknown from an I/O error on.
void Committer::note_failure(const Error& error) {
  if (error.code() != ErrorCode::io) return;
  failure_ = error;
  lock_.set_outcome_unknown(true);
}

}  // namespace shardlog::sqlite

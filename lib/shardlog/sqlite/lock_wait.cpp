#include "shardlog/sqlite/lock_wait.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>
#include <utility>

#include "shardlog/sqlite/lock_holders.h"

namespace shardlog::sqlite {

namespace {

constexpr std::chrono::milliseconds between_attempts{5};

}  // namespace

bool is_locked(const SQLite::Exception& error) {
  const int code = error.getErrorCode() & 0xff;
  return code == SQLITE_BUSY || code == SQLITE_PROTOCOL;
}

LockWait::LockWait(std::string directory, Duration timeout, const Clock& clock)
    : directory_(std::move(directory)), timeout_(timeout), clock_(&clock) {}

void LockWait::rest(Duration end) const {
  if (clock_->elapsed() >= end) throw held_too_long(directory_, timeout_);
  std::this_thread::sleep_for(between_attempts);
}

}  // namespace shardlog::sqlite

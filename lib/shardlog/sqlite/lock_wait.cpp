#include "shardlog/sqlite/lock_wait.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

namespace {

// SQLite's locks in stream.db-shm are at bytes 120 to 127 (sqlite.org/walformat.html, section 2.3.1). At byte 128 every
// connection holds a shared lock that does not count.
constexpr std::uint64_t last_wal_lock = 127;

constexpr std::size_t most_named = 3;
constexpr std::chrono::milliseconds between_attempts{5};

/// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF".
struct HeldLock {
  std::string kind;  ///< "->" for a process that waits for a lock
  bool exclusive = false;
  std::string pid;
  std::string file;  ///< device and inode
  std::uint64_t first_byte = 0;
};

std::vector<HeldLock> held_locks() {
  std::vector<HeldLock> found;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number;
    std::string advice;
    std::string access;
    HeldLock held;
    words >> number >> held.kind >> advice >> access >> held.pid >> held.file >> held.first_byte;
    held.exclusive = access == "WRITE";
    found.push_back(std::move(held));
  }
  return found;
}

/// As /proc/locks writes it; empty if there is no such file.
std::string file_id(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return "";
  return fmt::format("{:02x}:{:02x}:{}", major(facts.st_dev), minor(facts.st_dev), facts.st_ino);
}

/// "stopped", "sleeping", ...; empty if unknown.
std::string state_of(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string field; std::getline(status, field);) {
    if (!field.starts_with("State:")) continue;  // "State:\tT (stopped)"
    const std::size_t first = field.find('(') + 1;
    return first == 0 ? "" : field.substr(first, field.find(')') - first);
  }
  return "";
}

/// "tracing stop" is a process under a debugger.
bool is_stopped(const std::string& pid) {
  return state_of(pid).ends_with("stop") || state_of(pid) == "stopped";
}

std::string description_of(const std::string& pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
  return name.empty() ? "process " + pid : fmt::format("process {} ({}, {})", pid, name, state_of(pid));
}

using Counts = std::function<bool(const HeldLock&)>;

/// The processes that hold a lock that `counts`. Looks several times: /proc/locks is read in pieces, and lacks a lock
/// if others went in between.
std::vector<std::string> find_holders(const Counts& counts) {
  constexpr int looks = 5;
  std::vector<std::string> pids;
  for (int look = 0; look < looks; ++look) {
    for (const HeldLock& held : held_locks()) {
      const bool known = std::find(pids.begin(), pids.end(), held.pid) != pids.end();
      if (!known && !held.file.empty() && counts(held)) pids.push_back(held.pid);
    }
  }
  return pids;
}

std::string describe_holders(const Counts& counts) {
  std::vector<std::string> pids = find_holders(counts);
  std::stable_partition(pids.begin(), pids.end(), is_stopped);
  std::string text;
  for (std::size_t i = 0; i < std::min(pids.size(), most_named); ++i) {
    text += (i == 0 ? "" : ", ") + description_of(pids[i]);
  }
  if (pids.size() > most_named) text += fmt::format(" and {} more", pids.size() - most_named);
  return text;
}

}  // namespace

Error held_too_long(const std::string& directory, Duration timeout) {
  const Paths paths{directory, directory};
  const std::string lock = file_id(paths.lock());
  const std::string database = file_id(paths.database());
  const std::string shared_memory = file_id(paths.shared_memory());
  const std::string holders = describe_holders([&](const HeldLock& held) {
    if (held.file == lock) return held.kind == "FLOCK";
    if (held.kind != "POSIX") return false;
    if (held.file == database) return held.exclusive;
    // A reader shuts nobody out, but the holder of the writer lock may be waiting for a stopped one.
    return held.file == shared_memory && (held.exclusive || (held.first_byte <= last_wal_lock && is_stopped(held.pid)));
  });
  return {ErrorCode::busy, fmt::format("the stream has been held by {} for more than {} ms",
                                       holders.empty() ? "another process" : holders, timeout.count() / 1000)};
}

std::string holders_of_log(const std::string& directory) {
  const std::string shared_memory = file_id(Paths{directory, directory}.shared_memory());
  const std::string own = std::to_string(::getpid());
  return describe_holders([&](const HeldLock& held) {
    return held.kind == "POSIX" && held.file == shared_memory && held.first_byte <= last_wal_lock && held.pid != own;
  });
}

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

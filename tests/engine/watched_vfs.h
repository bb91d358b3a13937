#pragma once

#include <sqlite3.h>

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace shardlog::test {

enum class DatabaseFile { database, log, other };

enum class FileCall {
  write,
  sync,
  lock_for_checkpoint,  ///< every checkpoint begins with it
  lock_for_writing,     ///< every write transaction does
};

/// While it exists all connections that are opened use the engine's file layer through it. The hook is asked before
/// each of the calls above, on the caller's thread: what it returns other than SQLITE_OK is the outcome instead of the
/// call.
class WatchedVfs {
 public:
  using Hook = std::function<int(DatabaseFile, FileCall)>;

  WatchedVfs();
  WatchedVfs(const WatchedVfs&) = delete;
  WatchedVfs& operator=(const WatchedVfs&) = delete;
  ~WatchedVfs();

  void set_hook(Hook hook);
  int ask(DatabaseFile file, FileCall call);

  sqlite3_vfs* system() { return system_; }

 private:
  sqlite3_vfs* default_;
  sqlite3_vfs* system_;
  sqlite3_vfs own_;
  std::mutex mutex_;
  Hook hook_;
};

/// Writes down the calls.
class CallLog {
 public:
  using Entry = std::pair<DatabaseFile, FileCall>;

  explicit CallLog(WatchedVfs& vfs) : vfs_(vfs) {
    vfs_.set_hook([this](DatabaseFile file, FileCall call) {
      entries_.emplace_back(file, call);
      return SQLITE_OK;
    });
  }
  CallLog(const CallLog&) = delete;
  CallLog& operator=(const CallLog&) = delete;
  ~CallLog() { vfs_.set_hook(nullptr); }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] int count(DatabaseFile file, FileCall call) const;
  /// Whether the first `call` on `file` comes before the first of the other; both have to be there.
  [[nodiscard]] bool in_order(Entry first, Entry second) const;
  void clear() { entries_.clear(); }

 private:
  WatchedVfs& vfs_;
  std::vector<Entry> entries_;
};

}  // namespace shardlog::test

#include "engine/watched_vfs.h"

#include <algorithm>

#include "shardlog/sqlite/file_layer.h"

namespace shardlog::test {

namespace {

// Offsets of the locks in the WAL index (sqlite.org/walformat.html, section 2.3).
constexpr int write_lock = 0;
constexpr int checkpoint_lock = 1;

/// What SQLite takes for its file; the engine's stands right after it.
struct WatchedFile {
  sqlite3_file base;
  DatabaseFile kind;
  WatchedVfs* vfs;
};

WatchedFile& watched(sqlite3_file* file) {
  return *reinterpret_cast<WatchedFile*>(file);
}

sqlite3_file* system_file(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(&watched(file) + 1);
}

const sqlite3_io_methods& system_methods(sqlite3_file* file) {
  return *system_file(file)->pMethods;
}

int ask(sqlite3_file* file, FileCall call) {
  return watched(file).vfs->ask(watched(file).kind, call);
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (const int outcome = ask(file, FileCall::write); outcome != SQLITE_OK) return outcome;
  return system_methods(file).xWrite(system_file(file), data, size, offset);
}

int sync(sqlite3_file* file, int flags) {
  if (const int outcome = ask(file, FileCall::sync); outcome != SQLITE_OK) return outcome;
  return system_methods(file).xSync(system_file(file), flags);
}

int lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) {
  if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) && count == 1 && offset <= checkpoint_lock) {
    const FileCall call = offset == write_lock ? FileCall::lock_for_writing : FileCall::lock_for_checkpoint;
    if (const int outcome = ask(file, call); outcome != SQLITE_OK) return outcome;
  }
  return system_methods(file).xShmLock(system_file(file), offset, count, flags);
}

constexpr sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 2;  // without memory mapping
  methods.xClose = [](sqlite3_file* file) { return system_methods(file).xClose(system_file(file)); };
  methods.xRead = [](sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
    return system_methods(file).xRead(system_file(file), data, size, offset);
  };
  methods.xWrite = &write;
  methods.xTruncate = [](sqlite3_file* file, sqlite3_int64 size) {
    return system_methods(file).xTruncate(system_file(file), size);
  };
  methods.xSync = &sync;
  methods.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
    return system_methods(file).xFileSize(system_file(file), size);
  };
  methods.xLock = [](sqlite3_file* file, int level) { return system_methods(file).xLock(system_file(file), level); };
  methods.xUnlock = [](sqlite3_file* file, int level) {
    return system_methods(file).xUnlock(system_file(file), level);
  };
  methods.xCheckReservedLock = [](sqlite3_file* file, int* reserved) {
    return system_methods(file).xCheckReservedLock(system_file(file), reserved);
  };
  methods.xFileControl = [](sqlite3_file* file, int operation, void* argument) {
    return system_methods(file).xFileControl(system_file(file), operation, argument);
  };
  methods.xSectorSize = [](sqlite3_file* file) { return system_methods(file).xSectorSize(system_file(file)); };
  methods.xDeviceCharacteristics = [](sqlite3_file* file) {
    return system_methods(file).xDeviceCharacteristics(system_file(file));
  };
  methods.xShmMap = [](sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
    return system_methods(file).xShmMap(system_file(file), region, size, extend, memory);
  };
  methods.xShmLock = &lock_shared_memory;
  methods.xShmBarrier = [](sqlite3_file* file) { system_methods(file).xShmBarrier(system_file(file)); };
  methods.xShmUnmap = [](sqlite3_file* file, int remove) {
    return system_methods(file).xShmUnmap(system_file(file), remove);
  };
  return methods;
}

constexpr sqlite3_io_methods watched_methods = make_methods();

DatabaseFile kind_of(int flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return DatabaseFile::database;
  return (flags & SQLITE_OPEN_WAL) != 0 ? DatabaseFile::log : DatabaseFile::other;
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  WatchedFile& opened = watched(file);
  opened = {{nullptr}, kind_of(flags), static_cast<WatchedVfs*>(vfs->pAppData)};
  sqlite3_vfs* const system = opened.vfs->system();
  const int result = system->xOpen(system, name, system_file(file), flags, flags_out);
  if (system_file(file)->pMethods != nullptr) opened.base.pMethods = &watched_methods;
  return result;
}

}  // namespace

WatchedVfs::WatchedVfs()
    : default_(sqlite3_vfs_find(nullptr)), system_(sqlite3_vfs_find(sqlite::file_layer())), own_(*system_) {
  // The other functions look at nothing of the structure that differs here.
  own_.zName = "shardlog";  // in place of the layer that the engine asks for
  own_.szOsFile += static_cast<int>(sizeof(WatchedFile));
  own_.pAppData = this;
  own_.xOpen = &open;
  sqlite3_vfs_register(&own_, 1);
}

WatchedVfs::~WatchedVfs() {
  sqlite3_vfs_unregister(&own_);
  sqlite3_vfs_register(default_, 1);
}

void WatchedVfs::set_hook(Hook hook) {
  const std::lock_guard guard(mutex_);
  hook_ = std::move(hook);
}

int WatchedVfs::ask(DatabaseFile file, FileCall call) {
  Hook hook;
  {
    const std::lock_guard guard(mutex_);
    hook = hook_;
  }
  return hook ? hook(file, call) : SQLITE_OK;
}

int CallLog::count(DatabaseFile file, FileCall call) const {
  return static_cast<int>(std::count(entries_.begin(), entries_.end(), Entry(file, call)));
}

bool CallLog::in_order(Entry first, Entry second) const {
  const auto earlier = std::find(entries_.begin(), entries_.end(), first);
  const auto later = std::find(entries_.begin(), entries_.end(), second);
  return earlier != entries_.end() && later != entries_.end() && earlier < later;
}

}  // namespace shardlog::test

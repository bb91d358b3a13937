#include "shardlog/sqlite/file_layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/file_system.h"

namespace shardlog::sqlite {

namespace {

constexpr int longest_sleep = 1000;  // microseconds
constexpr int reason_shift = 16;     // SQLite's own extended codes end at bit 15

bool stands_for(int descriptor, const struct stat& file) {
  struct stat facts {};
  return descriptor >= 0 && ::fstat(descriptor, &facts) == 0 && same_file(facts, file);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// A descriptor of this process that stands for the file; -1 if it has none.
int find_descriptor(const struct stat& file) {
  const std::unique_ptr<DIR, CloseDirectory> descriptors(::opendir("/proc/self/fd"));
  if (!descriptors) return -1;
  while (const dirent* const entry = ::readdir(descriptors.get())) {
    if (entry->d_name[0] == '.') continue;
    const int descriptor = std::atoi(entry->d_name);  // NOLINT(cert-err34-c): the kernel's own digits
    if (stands_for(descriptor, file)) return descriptor;
  }
  return -1;
}

/// Makes the kernel begin to write a file to disk while SQLite still writes it to the page cache: each MiB as soon as a
/// write reaches the next one. The sync still reports every error: sync_file_range(2) clears no error unless it waits.
///
/// SQLite does not give out its descriptors. Opening and closing another descriptor of the file would drop SQLite's
/// locks. So this looks among the descriptors of this process. If it finds none, everything still works, but slower.
class Writeback {
 public:
  /// `path` is borrowed; nullptr for a file without a name, which is left alone.
  explicit Writeback(const char* path) : path_(path) {}

  /// After each write.
  void written(std::int64_t size, std::int64_t at) noexcept {
    constexpr std::int64_t part = 1024L * 1024;
    const std::int64_t first = at / part;
    if (path_ == nullptr || (at + size) / part == first) return;
    struct stat file {};
    if (::stat(path_, &file) != 0) return;
    // Asked again each time: the number may be another file's by now.
    if (!stands_for(descriptor_, file)) descriptor_ = find_descriptor(file);
    if (descriptor_ >= 0) ::sync_file_range(descriptor_, first * part, part, SYNC_FILE_RANGE_WRITE);
  }

 private:
  const char* path_;
  int descriptor_ = -1;  ///< the one found last time
};

/// What SQLite treats as its file. In memory, the file object of the system layer comes right after it.
struct StreamFile {
  sqlite3_file base;
  bool for_writing;  ///< it belongs to a database that is opened for writing
  Writeback writeback;
};

StreamFile& stream_file(sqlite3_file* file) {
  return *reinterpret_cast<StreamFile*>(file);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

sqlite3_file* system_file(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(&stream_file(file) +
                                         1);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

const sqlite3_io_methods& system_methods(sqlite3_file* file) {
  return *system_file(file)->pMethods;
}

/// A method that calls the one of the system layer.
template <auto method>
struct Forward;
template <typename Result, typename... Arguments, Result (*sqlite3_io_methods::*method)(sqlite3_file*, Arguments...)>
struct Forward<method> {
  static Result call(sqlite3_file* file, Arguments... arguments) {
    return (system_methods(file).*method)(system_file(file), arguments...);
  }
};

int primary(int code) {
  return code & 0xff;
}

/// `reason` is the errno right after the failure, 0 if nothing set it.
int with_reason(int code, int reason) {
  return primary(code) == SQLITE_CANTOPEN || primary(code) == SQLITE_IOERR ? code | reason << reason_shift : code;
}

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  const int result = system_methods(file).xWrite(system_file(file), from, size, at);
  if (result == SQLITE_OK) {
    stream_file(file).writeback.written(size, at);
  } else if (primary(result) == SQLITE_IOERR) {
    int reason = 0;
    system_methods(file).xFileControl(system_file(file), SQLITE_FCNTL_LAST_ERRNO, &reason);
    if (reason == EDQUOT || reason == EFBIG) return SQLITE_FULL;  // SQLite itself says so for ENOSPC only
  }
  return result;
}

int map_shared_memory(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  errno = 0;
  const int result = system_methods(file).xShmMap(system_file(file), region, size, extend, memory);
  const int reason = errno;
  if (result == SQLITE_OK) return result;
  const bool went_on_to_read = primary(result) == SQLITE_READONLY && stream_file(file).for_writing && reason != 0;
  return with_reason(went_on_to_read ? SQLITE_CANTOPEN : result, reason);
}

constexpr sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 2;  // without memory mapping
  methods.xClose = &Forward<&sqlite3_io_methods::xClose>::call;
  methods.xRead = &Forward<&sqlite3_io_methods::xRead>::call;
  methods.xWrite = &write;
  methods.xTruncate = &Forward<&sqlite3_io_methods::xTruncate>::call;
  methods.xSync = &Forward<&sqlite3_io_methods::xSync>::call;
  methods.xFileSize = &Forward<&sqlite3_io_methods::xFileSize>::call;
  methods.xLock = &Forward<&sqlite3_io_methods::xLock>::call;
  methods.xUnlock = &Forward<&sqlite3_io_methods::xUnlock>::call;
  methods.xCheckReservedLock = &Forward<&sqlite3_io_methods::xCheckReservedLock>::call;
  methods.xFileControl = &Forward<&sqlite3_io_methods::xFileControl>::call;
  methods.xSectorSize = &Forward<&sqlite3_io_methods::xSectorSize>::call;
  methods.xDeviceCharacteristics = &Forward<&sqlite3_io_methods::xDeviceCharacteristics>::call;
  methods.xShmMap = &map_shared_memory;
  methods.xShmLock = &Forward<&sqlite3_io_methods::xShmLock>::call;
  methods.xShmBarrier = &Forward<&sqlite3_io_methods::xShmBarrier>::call;
  methods.xShmUnmap = &Forward<&sqlite3_io_methods::xShmUnmap>::call;
  return methods;
}

constexpr sqlite3_io_methods methods = make_methods();

/// Whether the file belongs to a database that is opened for writing.
bool is_for_writing(const char* path, int flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return (flags & SQLITE_OPEN_READWRITE) != 0;
  if ((flags & SQLITE_OPEN_WAL) == 0) return false;
  sqlite3_file* const database = sqlite3_database_file_object(path);
  return database->pMethods == &methods && stream_file(database).for_writing;
}

int open(sqlite3_vfs* layer, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  auto* const system = static_cast<sqlite3_vfs*>(layer->pAppData);
  const bool for_writing = is_for_writing(path, flags);
  stream_file(file) = {{nullptr}, for_writing, Writeback(path)};
  int got = flags;
  errno = 0;
  int result = system->xOpen(system, path, system_file(file), flags, &got);
  const int reason = errno;
  if (result == SQLITE_OK && for_writing && (got & SQLITE_OPEN_READONLY) != 0) {
    system_methods(file).xClose(system_file(file));
    result = SQLITE_CANTOPEN;
  }
  if (result != SQLITE_OK) return with_reason(result, reason);
  stream_file(file).base.pMethods = &methods;
  if (flags_out != nullptr) *flags_out = got;
  return SQLITE_OK;
}

int sleep_briefly(sqlite3_vfs* /*layer*/, int microseconds) {
  const int slept = std::min(microseconds, longest_sleep);
  std::this_thread::sleep_for(std::chrono::microseconds(slept));
  return slept;
}

sqlite3_vfs* install() {
  sqlite3_vfs* const system = sqlite3_vfs_find("unix");
  if (system == nullptr) throw Error(ErrorCode::internal, "SQLite was built without its file system layer 'unix'");
  static sqlite3_vfs layer = *system;  // its other functions do not use the members that are changed here
  layer.zName = "shardlog";
  layer.pAppData = system;
  layer.szOsFile += static_cast<int>(sizeof(StreamFile));
  layer.xOpen = &open;
  layer.xSleep = &sleep_briefly;
  sqlite3_vfs_register(&layer, 0);
  return &layer;
}

}  // namespace

const char* file_layer() {
  static const sqlite3_vfs* const layer = install();
  return layer->zName;
}

int opening_failure(int extended_code) {
  return extended_code < 0 ? 0 : extended_code >> reason_shift;
}

}  // namespace shardlog::sqlite

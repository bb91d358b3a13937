#include "shardlog/sqlite/early_writeback.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstddef>

namespace shardlog::sqlite {

namespace {

constexpr off_t part = 1024L * 1024;

/// pwrite(2) that has the kernel begin with each part of the file as soon as a write reaches the next one. That takes
/// no error away from the sync: sync_file_range(2) clears none unless it waits.
ssize_t write_and_begin(int file, const void* from, std::size_t size, off_t at) {
  const ssize_t written = ::pwrite(file, from, size, at);
  const off_t first = at / part;
  if (written > 0 && (at + written) / part != first) {
    ::sync_file_range(file, first * part, part, SYNC_FILE_RANGE_WRITE);
  }
  return written;
}

bool install() {
  sqlite3_vfs* const files = sqlite3_vfs_find("unix");
  if (files == nullptr || files->iVersion < 3) return false;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite takes all of them as one type
  const auto call = reinterpret_cast<sqlite3_syscall_ptr>(&write_and_begin);
  // It calls the one or the other, as it was built.
  return files->xSetSystemCall(files, "pwrite", call) == SQLITE_OK &&
         files->xSetSystemCall(files, "pwrite64", call) == SQLITE_OK;
}

}  // namespace

void start_writeback_early() {
  [[maybe_unused]] static const bool installed = install();  // without it all is as right, and slower
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/system_calls.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace shardlog::sqlite {

namespace {

constexpr off_t part = 1024L * 1024;

// Of one thread: SQLite passes nothing to its system calls that says for whom they are.
thread_local int failure = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// pwrite(2) that has the kernel begin with each part of the file as soon as a write reaches the next one. That takes
/// no error away from the sync: sync_file_range(2) clears none unless it waits.
ssize_t write(int file, const void* from, std::size_t size, off_t at) {
  const ssize_t written = ::pwrite(file, from, size, at);
  const off_t first = at / part;
  if (written > 0 && (at + written) / part != first) {
    ::sync_file_range(file, first * part, part, SYNC_FILE_RANGE_WRITE);
  }
  if (written >= 0) return written;
  failure = errno;
  if (errno == EDQUOT || errno == EFBIG) errno = ENOSPC;  // the only one that is SQLITE_FULL
  return written;
}

int open_file(const char* path, int flags, int mode) {
  const int file = ::open(path, flags, mode);  // NOLINT(cppcoreguidelines-pro-type-vararg): there is no other
  if (file < 0 && errno != EINTR) failure = errno;
  return file;
}

bool install() {
  sqlite3_vfs* const files = sqlite3_vfs_find("unix");
  if (files == nullptr || files->iVersion < 3) return false;
  // SQLite takes all of them as one type.
  const auto as_call = [](auto* function) {
    return reinterpret_cast<sqlite3_syscall_ptr>(function);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  };
  // It calls the one or the other, as it was built.
  return files->xSetSystemCall(files, "pwrite", as_call(&write)) == SQLITE_OK &&
         files->xSetSystemCall(files, "pwrite64", as_call(&write)) == SQLITE_OK &&
         files->xSetSystemCall(files, "open", as_call(&open_file)) == SQLITE_OK;
}

}  // namespace

void replace_system_calls() {
  // Without it all is as right, and slower, and some errors say less.
  [[maybe_unused]] static const bool installed = install();
}

int last_failure() {
  return failure;
}

void forget_failures() {
  failure = 0;
}

}  // namespace shardlog::sqlite

#include "shardlog/sqlite/writeback.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t part = 1024L * 1024;

bool stands_for(int descriptor, const struct stat& file) {
  struct stat facts {};
  return descriptor >= 0 && ::fstat(descriptor, &facts) == 0 && facts.st_dev == file.st_dev &&
         facts.st_ino == file.st_ino;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// A descriptor of this process that stands for the file; -1 if there is none.
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

}  // namespace

void Writeback::written(std::int64_t size, std::int64_t at) noexcept {
  const std::int64_t first = at / part;
  if (path_ == nullptr || (at + size) / part == first) return;
  struct stat file {};
  if (::stat(path_, &file) != 0) return;
  // Asked again each time: the number may be another file's by now.
  if (!stands_for(descriptor_, file)) descriptor_ = find_descriptor(file);
  if (descriptor_ >= 0) ::sync_file_range(descriptor_, first * part, part, SYNC_FILE_RANGE_WRITE);
}

}  // namespace shardlog::sqlite

// To be preloaded (LD_PRELOAD): syncs succeed and do nothing, for the files whose paths match the pattern
// $SHARDLOG_SWALLOW (fnmatch). A program that is tested with this loses what it has promised to keep, and the test must
// notice.
#include <fnmatch.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace {

bool is_swallowed(int file) {
  const char* pattern = std::getenv("SHARDLOG_SWALLOW");
  if (pattern == nullptr) return false;
  std::array<char, 4096> path{};  // of which the last byte ends the string
  const auto size = readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path.data(), path.size() - 1);
  return size > 0 && fnmatch(pattern, path.data(), 0) == 0;
}

int sync_unless_swallowed(long call, int file) {
  return is_swallowed(file) ? 0 : static_cast<int>(syscall(call, file));
}

}  // namespace

// Names that libc gives away.
extern "C" {
__attribute__((visibility("default"))) int fdatasync(int file) {
  return sync_unless_swallowed(SYS_fdatasync, file);
}
__attribute__((visibility("default"))) int fsync(int file) {
  return sync_unless_swallowed(SYS_fsync, file);
}
}

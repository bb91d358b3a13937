#include "shardlog/nats/sockets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "shardlog/core/numbers.h"

namespace shardlog::nats {

namespace {

bool is_inherited_socket(int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0 || !S_ISSOCK(facts.st_mode)) return false;
  const int flags = ::fcntl(descriptor, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

/// Empty if /proc cannot be read.
std::vector<int> inherited_sockets() {
  std::vector<int> sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const auto descriptor = parse_number<int>(entry.path().filename().string());
    if (descriptor && is_inherited_socket(*descriptor)) sockets.push_back(*descriptor);
  }
  return sockets;
}

}  // namespace

Sockets::Sockets() : inherited_(inherited_sockets()) {}

void Sockets::keep_from_commands() const {
  for (const int socket : inherited_sockets()) {
    if (std::ranges::find(inherited_, socket) == inherited_.end()) ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  }
}

}  // namespace shardlog::nats

#include "shardlog/log/pinned_pages.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace shardlog {

PinnedPages::~PinnedPages() {
  ::close(pipe_);
}

bool PinnedPages::keep(std::size_t first, std::size_t count) {
  if (first >= size_) return false;
  std::array<char, 16UL * 1024> dropped;  // NOLINT(*-member-init): it is written before it is read
  for (std::size_t left = first; left > 0;) {
    const ssize_t got = ::read(pipe_, dropped.data(), std::min(left, dropped.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    left -= static_cast<std::size_t>(got);
  }
  size_ = std::min(size_ - first, count);
  return size_ > 0;
}

}  // namespace shardlog

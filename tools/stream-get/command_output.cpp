#include "tools/stream-get/command_output.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tools/stream-get/tended_poll.h"

namespace shardlog::cli {

namespace {
constexpr const char* keeping = "keep a command's output";
}  // namespace

Spool::Spool(std::uint64_t most) : most_(most), file_(::memfd_create("output of a command", MFD_CLOEXEC)) {
  if (!file_.is_open()) fail_io(keeping);
}

void Spool::clear() {
  if (::ftruncate(file_.get(), 0) != 0) fail_io(keeping);
  size_ = 0;
}

bool Spool::add(std::string_view bytes) {
  if (size_ + bytes.size() > most_) return false;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_io(keeping);
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void LastLine::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (part.find_first_not_of(" \t\r") != std::string_view::npos) current_is_blank_ = false;
    current_ += part.substr(0, longest - std::min(longest, current_.size()));
    if (end == std::string_view::npos) return;
    if (current_.ends_with('\r')) current_.pop_back();
    if (!std::exchange(current_is_blank_, true)) last_ = std::move(current_);
    current_.clear();
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace shardlog::cli

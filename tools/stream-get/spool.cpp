#include "tools/stream-get/spool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {

[[noreturn]] void fail() {
  throw Error(ErrorCode::io, system_error("keep a command's output", errno).what());
}

}  // namespace

Spool::Spool() : file_(::memfd_create("output of a command", MFD_CLOEXEC)) {
  if (!file_.is_open()) fail();
}

void Spool::clear() {
  if (::ftruncate(file_.get(), 0) != 0) fail();
  size_ = 0;
}

void Spool::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace shardlog::cli

#include "tools/common/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {
constexpr std::size_t gather_limit = 64UL * 1024;

void write_to_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // somebody made the pipe one that does not block
      pollfd out{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&out, 1, -1);
      continue;
    }
    if (written < 0) throw Error(ErrorCode::io, system_error("write to stdout", errno).what());
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void claim_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one: those below it are open by now.
    [[maybe_unused]] const int opened = ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

Output::Output() : Output(write_to_stdout, ::isatty(STDOUT_FILENO) != 0) {}

Output::Output(Drain drain, bool terminal) : drain_(std::move(drain)), terminal_(terminal) {
  gathered_.reserve(gather_limit);
}

void Output::write(std::string_view bytes) {
  if (gathered_.size() + bytes.size() > gather_limit) flush();
  if (bytes.size() > gather_limit) {
    write_out(bytes);
  } else {
    gathered_ += bytes;
  }
}

void Output::flush() {
  write_out(gathered_);
  gathered_.clear();
}

void Output::close() {
  flush();
  if (::close(STDOUT_FILENO) != 0 && errno != EBADF)
    throw Error(ErrorCode::io, system_error("close stdout", errno).what());
}

void Output::write_out(std::string_view bytes) {
  drain_(bytes);
  written_ += bytes.size();
}

}  // namespace shardlog::cli

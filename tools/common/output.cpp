#include "tools/common/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t gather_limit = 64UL * 1024;
constexpr int pipe_size = 1024 * 1024;  // what users may have, pipe(7)

/// Of the last system call: always io, because the outcome matters, not the reason.
Error output_error(const char* what) {
  return {ErrorCode::io, system_error(what, errno).what()};
}

/// Whether to repeat the system call on standard output that has just failed. Waits until that makes sense.
bool try_again() {
  if (errno != EAGAIN) return errno == EINTR;
  pollfd out{STDOUT_FILENO, POLLOUT, 0};  // another process has set O_NONBLOCK
  ::poll(&out, 1, -1);
  return true;
}

void write_to_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && try_again()) continue;
    if (written < 0) throw output_error("write to stdout");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Returns how many bytes it could hand over.
std::size_t splice_to_stdout(const PinnedPages& pages) {
  std::size_t done = 0;
  while (done < pages.size()) {
    const ssize_t moved = ::splice(pages.pipe(), nullptr, STDOUT_FILENO, nullptr, pages.size() - done, 0);
    if (moved < 0 && try_again()) continue;
    if (moved <= 0) break;
    done += static_cast<std::size_t>(moved);
  }
  return done;
}

mode_t type_of_stdout() {
  struct stat status {};
  return ::fstat(STDOUT_FILENO, &status) == 0 ? status.st_mode & static_cast<mode_t>(S_IFMT) : 0;
}

/// Whether the output can tell that its reader is gone. A terminal cannot: if it goes away, it raises a signal. A file
/// has no reader.
bool tells_of_its_reader() {
  const mode_t type = type_of_stdout();
  return S_ISFIFO(type) || S_ISSOCK(type);
}

bool says_gone(const pollfd& output) {
  return (output.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

void claim_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // This is the lowest free number, which open() takes: those below it are open by now.
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

void Output::write(std::string_view bytes, const PinnedPages& beginning) {
  flush();
  const std::size_t handed_over = splice_to_stdout(beginning);
  written_ += handed_over;
  write(bytes.substr(handed_over));  // which also tells why no more could be handed over
}

void Output::flush() {
  write_out(gathered_);
  gathered_.clear();
}

void Output::close() {
  flush();
  if (::close(STDOUT_FILENO) != 0 && errno != EBADF) throw output_error("close stdout");
}

void Output::write_out(std::string_view bytes) {
  drain_(bytes);
  written_ += bytes.size();
}

bool widen_output_pipe() {
  if (!S_ISFIFO(type_of_stdout())) return false;
  return ::fcntl(STDOUT_FILENO, F_GETPIPE_SZ) >= pipe_size ||
         ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_size) >= pipe_size;
}

std::uint64_t unread_output() {
  int unread = 0;
  if (!S_ISFIFO(type_of_stdout())) return 0;
  if (::ioctl(STDOUT_FILENO, FIONREAD, &unread) != 0) throw output_error("look at stdout");
  return static_cast<std::uint64_t>(unread);
}

bool output_reader_is_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return tells_of_its_reader() && ::poll(&output, 1, 0) > 0 && says_gone(output);
}

ReaderWatch::ReaderWatch() {
  if (tells_of_its_reader()) watcher_ = start_thread([this] { watch(); });
}

ReaderWatch::~ReaderWatch() {
  end_.notify();
}

void ReaderWatch::watch() {
  std::array<pollfd, 2> files{{{STDOUT_FILENO, 0, 0}, {end_.get(), POLLIN, 0}}};
  while (::poll(files.data(), files.size(), -1) < 0) {
    if (errno != EINTR) return;
  }
  if (files[1].revents == 0 && says_gone(files[0])) gone_.request_stop();
}

}  // namespace shardlog::cli

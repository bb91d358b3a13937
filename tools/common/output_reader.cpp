#include "tools/common/output_reader.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::cli {

namespace {

mode_t type_of_stdout() {
  struct stat status {};
  return ::fstat(STDOUT_FILENO, &status) == 0 ? status.st_mode & static_cast<mode_t>(S_IFMT) : 0;
}

/// A terminal tells of its end by a signal, and a file has no reader.
bool tells_of_its_reader() {
  const mode_t type = type_of_stdout();
  return S_ISFIFO(type) || S_ISSOCK(type);
}

bool says_gone(const pollfd& output) {
  return (output.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

std::uint64_t unread_output() {
  if (!S_ISFIFO(type_of_stdout())) return 0;
  int unread = 0;
  if (::ioctl(STDOUT_FILENO, FIONREAD, &unread) != 0)
    throw Error(ErrorCode::io, system_error("look at stdout", errno).what());
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
  if (!watcher_) return;
  end_.notify();
  watcher_->join();
}

void ReaderWatch::watch() {
  std::array<pollfd, 2> files{{{STDOUT_FILENO, 0, 0}, {end_.get(), POLLIN, 0}}};
  while (::poll(files.data(), files.size(), -1) < 0) {
    if (errno != EINTR) return;
  }
  if (files[1].revents == 0 && says_gone(files[0])) gone_.request_stop();
}

}  // namespace shardlog::cli

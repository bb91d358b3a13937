#include "tools/stream-get/patient_output.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "shardlog/core/error.h"
#include "tools/common/output.h"
#include "tools/stream-get/tended_poll.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t file_step = 256UL * 1024;
constexpr Duration first_look = std::chrono::milliseconds(1);
constexpr Duration longest_look = std::chrono::milliseconds(50);

bool stdout_is_file() {
  struct stat status {};
  return ::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

PatientOutput::PatientOutput(const std::stop_token& stop)
    : stop_(stop), stopping_(stop), step_(stdout_is_file() ? file_step : PIPE_BUF) {}

void PatientOutput::write(std::string_view text, std::span<const std::uint64_t> ends, consuming::Lifeline& lifeline) {
  std::size_t at = 0;
  std::size_t limit = text.size();
  bool stopped = false;
  while (!reader_is_gone_) {
    if (!stopped && stop_.stop_requested()) {
      stopped = true;
      const auto end = std::lower_bound(ends.begin(), ends.end(), at);
      if (at == 0 || end != ends.end()) limit = at == 0 ? 0 : *end;
    }
    if (at == limit) return;
    // After a stop request, wait() waits for the reader alone.
    if (!wait(POLLOUT, Duration::max(), lifeline)) continue;
    const ssize_t written = ::write(STDOUT_FILENO, text.data() + at, std::min(limit - at, step_));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0 && errno == EPIPE) {
      reader_is_gone_ = true;
      return;
    }
    if (written < 0) fail_io("write to stdout");
    at += static_cast<std::size_t>(written);
    written_ += static_cast<std::uint64_t>(written);
  }
}

void PatientOutput::wait_until_taken(consuming::Lifeline& lifeline) {
  // No event tells that a pipe is empty.
  Duration look = first_look;
  while (taken() < written_) {
    if (reader_is_gone_) return;
    wait(0, look, lifeline);
    look = std::min(2 * look, longest_look);
  }
}

std::uint64_t PatientOutput::taken() const {
  return written_ - std::min(written_, unread_output());
}

/// Tends the lifeline if that is due. Then waits for one of `events`, the end of the reader, a new stop request, or
/// until `longest` is over. Returns whether one of `events` is there.
bool PatientOutput::wait(short events, Duration longest, consuming::Lifeline& lifeline) {
  tend_if_due(lifeline);
  const int new_stop = stop_.stop_requested() ? -1 : stopping_.get();
  std::array<pollfd, 2> files{{{STDOUT_FILENO, events, 0}, {new_stop, POLLIN, 0}}};
  tended_poll(files, longest, lifeline, "wait for stdout");
  if ((files[0].revents & (POLLERR | POLLHUP)) != 0) reader_is_gone_ = output_reader_is_gone();
  return !reader_is_gone_ && files[0].revents != 0;
}

}  // namespace shardlog::cli

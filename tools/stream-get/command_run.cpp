#include "tools/stream-get/command_run.h"

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "tools/stream-get/tended_poll.h"

namespace shardlog::cli {

namespace {

constexpr const char* keeping = "keep a command's output";

using Buffer = std::array<char, 64UL * 1024>;

/// What can be read now, perhaps nothing yet; unset at the end.
std::optional<std::string_view> read_piece(int from, Buffer& buffer) {
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0) return std::nullopt;
  if (errno != EAGAIN && errno != EINTR) fail_io("read a command's output");
  return std::string_view();
}

class CommandRun {
 public:
  CommandRun(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool)
      : child_(std::move(setup), groups), input_(input), spool_(spool) {
    if (spool_ != nullptr) spool_->clear();
  }

  CommandResult run(consuming::Lifeline& lifeline) {
    while (!is_over()) wait(lifeline);
    return {child_.reap(), too_much_output_, last_line_.get()};
  }

 private:
  [[nodiscard]] bool is_over() const {
    return ended_ && !child_.output.is_open() && !child_.errors.is_open() && errors_.empty();
  }

  void wait(consuming::Lifeline& lifeline) {
    tend_if_due(lifeline);
    if (input_.empty() || ended_) child_.input.close();
    // A slow reader of our standard error slows the command down.
    const bool room = errors_.size() < std::tuple_size_v<Buffer>;
    std::array<pollfd, 5> files{{{child_.input.get(), POLLOUT, 0},
                                 {child_.output.get(), POLLIN, 0},
                                 {room ? child_.errors.get() : -1, POLLIN, 0},
                                 {errors_.empty() ? -1 : STDERR_FILENO, POLLOUT, 0},
                                 {ended_ ? -1 : child_.process(), POLLIN, 0}}};
    tended_poll(files, Duration::max(), lifeline, "wait for a command");
    if (files[0].revents != 0) feed();
    if (files[1].revents != 0) take_output();
    // Check for the end of the command before reading its errors: then all that it has written is there to be read.
    if (files[4].revents != 0) ended_ = true;
    if (files[2].revents != 0 || (ended_ && child_.errors.is_open())) take_errors();
    if (files[3].revents != 0) pass_on_errors();
  }

  void feed() {
    const ssize_t written = ::write(child_.input.get(), input_.data(), input_.size());
    if (written >= 0) {
      input_.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      input_ = {};  // the command need not read all of its input
    } else if (errno != EAGAIN && errno != EINTR) {
      fail_io("write to a command");
    }
  }

  void take_output() {
    Buffer buffer{};
    const auto got = read_piece(child_.output.get(), buffer);
    if (!got) return child_.output.close();
    if (spool_->add(*got)) return;
    too_much_output_ = true;
    child_.output.close();  // the command gets SIGPIPE when it writes again
  }

  /// Processes that the command has left in the background may hold its standard error open for ever. So once the
  /// command has ended, this takes only what is there already.
  void take_errors() {
    Buffer buffer{};
    const auto got = read_piece(child_.errors.get(), buffer);
    if (!got || (ended_ && got->empty())) return child_.errors.close();
    last_line_.add(*got);
    errors_ += *got;
  }

  void pass_on_errors() {
    const ssize_t written = ::write(STDERR_FILENO, errors_.data(), std::min<std::size_t>(errors_.size(), PIPE_BUF));
    if (written >= 0) {
      errors_.erase(0, static_cast<std::size_t>(written));
    } else if (errno != EAGAIN && errno != EINTR) {
      errors_.clear();  // nobody reads it
    }
  }

  ChildProcess child_;
  std::string_view input_;
  Spool* spool_;
  std::string errors_;  // taken, and not yet passed on
  LastLine last_line_;
  bool ended_ = false;
  bool too_much_output_ = false;
};

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

CommandResult run_command(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool,
                          consuming::Lifeline& lifeline) {
  return CommandRun(std::move(setup), groups, input, spool).run(lifeline);
}

}  // namespace shardlog::cli

#include "tools/stream-get/command_run.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "shardlog/core/error.h"
#include "tools/stream-get/poll_timeout.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t piece = 64UL * 1024;

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::io, system_error(what, errno).what());
}

/// What can be read now; nothing at the end.
std::optional<std::string_view> read_piece(int from, std::array<char, piece>& buffer) {
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0) return std::nullopt;
  if (errno != EAGAIN && errno != EINTR) fail("read a command's output");
  return std::string_view();
}

}  // namespace

CommandRun::CommandRun(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool,
                       std::uint64_t most_output)
    : child_(std::move(setup), groups), input_(input), spool_(spool), most_output_(most_output) {
  if (spool_ != nullptr) spool_->clear();
}

CommandRun::Result CommandRun::run(consuming::Lifeline& lifeline) {
  while (!is_over()) wait(lifeline);
  return {child_.reap(), too_much_output_, last_line_.get()};
}

bool CommandRun::is_over() const {
  return ended_ && !child_.output.is_open() && !child_.errors.is_open() && errors_.empty();
}

void CommandRun::wait(consuming::Lifeline& lifeline) {
  if (lifeline.until_due() <= Duration(0)) lifeline.tend();
  if (input_.empty()) child_.input.close();
  const bool room = errors_.size() < piece;  // otherwise whoever reads our standard error holds up the command
  std::array<pollfd, 5> files{{{child_.input.get(), POLLOUT, 0},
                               {child_.output.get(), POLLIN, 0},
                               {room ? child_.errors.get() : -1, POLLIN, 0},
                               {errors_.empty() ? -1 : STDERR_FILENO, POLLOUT, 0},
                               {ended_ ? -1 : child_.process(), POLLIN, 0}}};
  if (::poll(files.data(), files.size(), poll_timeout(lifeline.until_due())) < 0 && errno != EINTR)
    fail("wait for a command");
  if (files[0].revents != 0) feed();
  if (files[1].revents != 0) take_output();
  // Its end is seen before its last words are read, so that none comes between the two.
  if (files[4].revents != 0) ended_ = true;
  if (files[2].revents != 0) take_errors();
  if (files[3].revents != 0) pass_on_errors();
  if (ended_) see_end();
}

void CommandRun::feed() {
  const ssize_t written = ::write(child_.input.get(), input_.data(), input_.size());
  if (written >= 0) {
    input_.remove_prefix(static_cast<std::size_t>(written));
  } else if (errno == EPIPE) {
    input_ = {};  // it does not want the rest, which is its own affair
  } else if (errno != EAGAIN && errno != EINTR) {
    fail("write to a command");
  }
}

void CommandRun::take_output() {
  std::array<char, piece> buffer{};
  const auto got = read_piece(child_.output.get(), buffer);
  if (!got) return child_.output.close();
  if (spool_->size() + got->size() <= most_output_) return spool_->add(*got);
  too_much_output_ = true;
  child_.output.close();  // which is the signal PIPE for it
}

void CommandRun::take_errors() {
  std::array<char, piece> buffer{};
  const auto got = read_piece(child_.errors.get(), buffer);
  if (!got) return child_.errors.close();
  last_line_.add(*got);
  errors_ += *got;
}

void CommandRun::pass_on_errors() {
  const ssize_t written = ::write(STDERR_FILENO, errors_.data(), std::min<std::size_t>(errors_.size(), PIPE_BUF));
  if (written >= 0) {
    errors_.erase(0, static_cast<std::size_t>(written));
  } else if (errno != EAGAIN && errno != EINTR) {
    errors_.clear();  // nobody reads it
  }
}

/// What it has left in the background may hold its standard error open for ever: what is there now is all.
void CommandRun::see_end() {
  child_.input.close();
  if (!child_.errors.is_open()) return;
  std::array<char, piece> buffer{};
  const auto got = read_piece(child_.errors.get(), buffer);
  if (!got || got->empty()) return child_.errors.close();
  last_line_.add(*got);
  errors_ += *got;
}

}  // namespace shardlog::cli

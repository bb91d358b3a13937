#include "tools/stream-stats/keyboard.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tools/common/descriptor.h"

namespace shardlog::cli {

namespace {

/// A terminal that gives each key at once and does not show it.
class KeyByKey {
 public:
  KeyByKey() : is_changed_(Keyboard::is_there() && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_changed_) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    now.c_cc[VQUIT] = _POSIX_VDISABLE;  // these would end or stop the program before the terminal is as it was
    now.c_cc[VSUSP] = _POSIX_VDISABLE;
    is_changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
  }
  ~KeyByKey() {
    if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  KeyByKey(const KeyByKey&) = delete;
  KeyByKey& operator=(const KeyByKey&) = delete;

  [[nodiscard]] bool is_changed() const { return is_changed_; }

 private:
  termios before_{};
  bool is_changed_;
};

}  // namespace

bool Keyboard::is_there() {
  return ::isatty(STDIN_FILENO) != 0 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

std::optional<char> Keyboard::wait(Duration timeout, const std::stop_token& stop) {
  const StopEvent stopped(stop);
  const KeyByKey terminal;
  std::array<pollfd, 2> files{{{stopped.get(), POLLIN, 0}, {terminal.is_changed() ? STDIN_FILENO : -1, POLLIN, 0}}};
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, Duration(0)));
  constexpr std::chrono::milliseconds longest(1000);
  if (::poll(files.data(), files.size(), static_cast<int>(std::min(whole, longest).count())) <= 0) return std::nullopt;
  char key = 0;
  if (files[1].revents == 0 || ::read(STDIN_FILENO, &key, 1) != 1) return std::nullopt;
  return key;
}

}  // namespace shardlog::cli

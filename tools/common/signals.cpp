#include "tools/common/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::cli {

namespace {

bool ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t set_of(int signal) {
  sigset_t set{};
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

}  // namespace

pid_t ProcessGroups::start(const std::function<pid_t()>& spawn) {
  const std::lock_guard guard(mutex_);
  return *groups_.insert(spawn()).first;
}

void ProcessGroups::remove(pid_t group) {
  const std::lock_guard guard(mutex_);
  groups_.erase(group);
}

bool ProcessGroups::empty() {
  const std::lock_guard guard(mutex_);
  return groups_.empty();
}

void ProcessGroups::send(int signal) {
  const std::lock_guard guard(mutex_);
  for (const pid_t group : groups_) ::kill(-group, signal);
}

Signals::Signals(std::mutex& commit_mutex, ProcessGroups& groups) : commit_mutex_(commit_mutex), groups_(groups) {
  sigset_t set{};
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
    if (!ignored(signal)) ::sigaddset(&set, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.is_open()) throw system_error("watch for signals", errno);
  watcher_ = start_thread([this] { watch(); });
}

Signals::~Signals() {
  end_.notify();
}

std::optional<int> Signals::received() const {
  const int signal = received_;
  return signal == 0 ? std::nullopt : std::optional(signal);
}

void Signals::watch() {
  std::array<pollfd, 2> files{{{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
  while (true) {
    if (::poll(files.data(), files.size(), -1) < 0 && errno != EINTR) return;
    if (files[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == sizeof info && !is_echo(info)) {
      handle(static_cast<int>(info.ssi_signo));
    }
  }
}

/// timeout(1) sends a signal to its child, and at once again to its whole group, which the child belongs to.
bool Signals::is_echo(const signalfd_siginfo& info) {
  constexpr Duration at_once = std::chrono::milliseconds(100);
  const Duration now = SystemClock().elapsed();
  const bool same = info.ssi_signo == last_.ssi_signo && info.ssi_pid == last_.ssi_pid && last_.ssi_code == SI_USER;
  if (info.ssi_code == SI_USER && same && now - last_at_ < at_once) return true;
  last_ = info;
  last_at_ = now;
  return false;
}

void Signals::handle(int signal) {
  if (signal == SIGTSTP) {
    const std::lock_guard no_commit(commit_mutex_);
    stop_self();
    return;
  }
  int none = 0;
  if (received_.compare_exchange_strong(none, signal)) {
    stop_.request_stop();
    return;
  }
  groups_.send(signal);
  const std::lock_guard no_commit(commit_mutex_);
  die_of(signal);
}

void stop_self() {
  const sigset_t stop = set_of(SIGTSTP);
  sigset_t before{};
  ::pthread_sigmask(SIG_UNBLOCK, &stop, &before);
  ::pthread_kill(::pthread_self(), SIGTSTP);  // to this thread, or the one that watches for signals might take it
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void stop_job() {
  const sigset_t stop = set_of(SIGTSTP);
  sigset_t before{};
  struct sigaction ignoring {};
  struct sigaction action {};
  ignoring.sa_handler = SIG_IGN;
  ::sigaction(SIGTSTP, &ignoring, &action);
  ::pthread_sigmask(SIG_UNBLOCK, &stop, &before);  // a signal that is blocked is kept, even if it is ignored
  ::kill(0, SIGTSTP);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::sigaction(SIGTSTP, &action, nullptr);
  stop_self();
}

void die_of(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  const sigset_t set = set_of(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::kill(::getpid(), signal);
  std::_Exit(128 + signal);  // the signal cannot kill the first process of a container
}

}  // namespace shardlog::cli

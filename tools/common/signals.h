#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

#include "shardlog/core/clock.h"
#include "tools/common/descriptor.h"

namespace shardlog::cli {

/// The process groups that a program has started and that must end with it. Safe to use from any thread.
class ProcessGroups {
 public:
  /// Calls `spawn`, which starts a process that leads a group of its own, and returns its number. Whoever asks or sends
  /// from then on waits until that number is known: the process may be seen to run before. Throws what `spawn` throws.
  pid_t start(const std::function<pid_t()>& spawn);

  /// Call it before the group's first process is reaped: until then its number cannot belong to another group.
  void remove(pid_t group);

  [[nodiscard]] bool empty();

  /// Sends a signal to all of them.
  void send(int signal);

 private:
  std::mutex mutex_;
  std::set<pid_t> groups_;
};

/// Turns the signals that ask a program to end into a stop token. The first INT, TERM or HUP requests the stop, so that
/// the program can drain. A second one goes to `groups` too and kills at once, unless the same process sent the same
/// signal a moment before. Neither that nor TSTP takes effect while `commit_mutex` is held: a process that is stopped
/// within a commit would hold up all other writers, and one that is stopped while it opens a stream would hold up
/// everyone. Signals that are ignored at the start stay ignored.
///
/// Make one before any other thread: threads that are started later inherit the blocked signals.
class Signals {
 public:
  Signals(std::mutex& commit_mutex, ProcessGroups& groups);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] std::stop_token stop_token() const { return stop_.get_token(); }

  /// The signal that requested the stop.
  [[nodiscard]] std::optional<int> received() const;

 private:
  void watch();
  bool is_echo(const signalfd_siginfo& info);
  void handle(int signal);

  std::mutex& commit_mutex_;
  ProcessGroups& groups_;
  std::stop_source stop_;
  std::atomic<int> received_ = 0;
  Descriptor signals_;
  EventDescriptor end_;
  signalfd_siginfo last_{};  // the newest signal; only the watcher uses this and the time when it came
  Duration last_at_{0};
  std::jthread watcher_;
};

/// Stops this process the way Ctrl-Z does by default: not if it is in a process group that no shell can continue (an
/// "orphaned" one), where the kernel drops a SIGTSTP but not a SIGSTOP; nor if SIGTSTP is ignored.
void stop_self();

/// Stops the whole process group like that, this process last, and before it returns. For the first thread.
void stop_job();

/// Ends this process the way `signal` does by default.
[[noreturn]] void die_of(int signal);

}  // namespace shardlog::cli

#pragma once

#include <sys/signalfd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "shardlog/core/clock.h"
#include "tools/common/event_descriptor.h"
#include "tools/common/process_groups.h"

namespace shardlog::cli {

/// Turns the signals that ask a program to end into a stop token. The first INT, TERM or HUP requests the stop, so that
/// the program can drain; a second one goes to `groups` too, and kills at once,
/// unless the same process has sent the same signal a moment before. Neither that nor TSTP takes effect
/// while `commit_mutex` is held: a process that is stopped within a commit would stop all other writers too, and one
/// that is stopped while it opens a stream everyone. Signals that are ignored at the start stay ignored.
///
/// Make one before any other thread: the signals are blocked in all threads that are started after it.
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
  int signals_ = -1;
  EventDescriptor end_;
  // Of the signal before, for the watcher.
  struct Sender {
    std::uint32_t signal = 0;
    std::int32_t code = 0;
    std::uint32_t pid = 0;

    friend bool operator==(const Sender&, const Sender&) = default;
  };
  Sender sender_;
  Duration sent_at_{0};

  std::jthread watcher_;
};

/// Ends this process the way `signal` does by default.
[[noreturn]] void die_of(int signal);

}  // namespace shardlog::cli

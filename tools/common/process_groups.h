#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>

namespace shardlog::cli {

/// The process groups that a program has started and that are to end with it. Safe to use from any thread.
class ProcessGroups {
 public:
  void add(pid_t group);

  /// To be called while the group's number cannot be anybody else's yet: before its first process is reaped.
  void remove(pid_t group);

  [[nodiscard]] bool empty();

  /// Sends a signal to all of them.
  void send(int signal);

 private:
  std::mutex mutex_;
  std::set<pid_t> groups_;
};

}  // namespace shardlog::cli

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/common/descriptor.h"
#include "tools/common/signals.h"

namespace shardlog::cli {

/// A command that `sh -c` runs, in a process group of its own.
class ChildProcess {
 public:
  struct Setup {
    const std::string& command;
    std::vector<std::string> environment;  ///< all of it, as NAME=value
    bool take_output;                      ///< otherwise it writes to our standard output
    bool take_errors;                      ///< otherwise it writes to our standard error
  };

  /// Starts it with a pipe as its standard input. Throws io, and busy if the system lacks processes or descriptors.
  ChildProcess(Setup setup, ProcessGroups& groups);

  /// If it was not reaped, ends it and everything that it has started: sends TERM, and two seconds later KILL to what
  /// is left.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Our ends of its pipes, which do not block. Those that were not asked for are not open.
  Descriptor input;
  Descriptor output;
  Descriptor errors;

  /// Readable when it has ended.
  [[nodiscard]] int process() const { return process_.get(); }

  /// Waits for its end. Returns its exit status, or 128+n if signal n has ended it. To be called once.
  int reap();

 private:
  void terminate();
  [[nodiscard]] bool has_ended(int longest_wait) const;

  ProcessGroups& groups_;
  pid_t pid_ = -1;
  bool reaped_ = false;
  Descriptor process_;
};

}  // namespace shardlog::cli

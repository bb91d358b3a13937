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
    bool take_output;                      ///< otherwise it has our standard output
    bool take_errors;                      ///< otherwise it has our standard error
  };

  /// Starts it with a pipe as its standard input. Throws io where that fails.
  ChildProcess(Setup setup, ProcessGroups& groups);

  /// Ends it, where it was not reaped, with all that it has started: TERM, and KILL for what is still there two seconds
  /// later.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The ends of its pipes; none blocks.
  Descriptor input;
  Descriptor output;
  Descriptor errors;

  /// Readable when it has ended.
  [[nodiscard]] int process() const { return process_.get(); }

  /// Waits for its end. Its exit status, or 128+n where signal n has ended it. To be called once.
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

#pragma once

#include <array>
#include <string>
#include <string_view>

#include "shardlog/consuming/delivery.h"
#include "tools/stream-get/child_process.h"
#include "tools/stream-get/last_line.h"
#include "tools/stream-get/spool.h"

namespace shardlog::cli {

/// One run of a command, from its start to its end: feeds it, takes what it says, and tends a lifeline all the while.
class CommandRun {
 public:
  struct Result {
    int exit_status;           ///< 128+n where signal n has ended it
    bool too_much_output;      ///< more than was to be kept: its pipe was closed
    std::string last_message;  ///< the last line on its standard error, where that was asked for
  };

  /// `spool`, where there is one, gets its output, at most `most_output` bytes. With `keep_message` its standard error
  /// is copied to ours. All must outlive the run.
  CommandRun(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool,
             std::uint64_t most_output);

  /// Until it has ended, and its output too where that is kept: as in $(COMMAND), what it has left in the background
  /// counts. Throws io, and what the lifeline throws; then the command is ended.
  Result run(consuming::Lifeline& lifeline);

 private:
  [[nodiscard]] bool is_over() const;
  void wait(consuming::Lifeline& lifeline);
  void feed();
  void take_output();
  void take_errors();
  void pass_on_errors();
  void see_end();

  ChildProcess child_;
  std::string_view input_;
  Spool* spool_;
  std::uint64_t most_output_;
  std::string errors_;  ///< taken, and not yet passed on
  LastLine last_line_;
  bool ended_ = false;
  bool too_much_output_ = false;
};

}  // namespace shardlog::cli

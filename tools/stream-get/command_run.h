#pragma once

#include <string>
#include <string_view>

#include "shardlog/consuming/delivery.h"
#include "tools/stream-get/child_process.h"
#include "tools/stream-get/command_output.h"

namespace shardlog::cli {

struct CommandResult {
  int exit_status;           ///< 128+n if signal n has ended it
  bool too_much_output;      ///< the spool had no room for it: its pipe was closed
  std::string last_message;  ///< the last line on its standard error, if that was taken
};

/// Runs a command from its start to its end: feeds it, takes what it prints, and tends the lifeline all the while. The
/// spool gets its output (Setup::take_output); what it prints to its standard error (Setup::take_errors) is copied to
/// ours.
///
/// Returns once the command has ended, and its output too if that is taken: as in $(COMMAND), what it has left in the
/// background counts. Throws io, and what the lifeline throws; then the command has been ended.
CommandResult run_command(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool,
                          consuming::Lifeline& lifeline);

}  // namespace shardlog::cli

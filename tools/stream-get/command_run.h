#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/consuming/delivery.h"
#include "tools/common/descriptor.h"
#include "tools/stream-get/child_process.h"

namespace shardlog::cli {

/// The output of one command at a time, in a file in memory that has no name.
class Spool {
 public:
  /// Holds at most `most` bytes. Throws io.
  explicit Spool(std::uint64_t most);

  void clear();

  /// False if there is no room for all of it: then it adds nothing.
  [[nodiscard]] bool add(std::string_view bytes);

  [[nodiscard]] int get() const { return file_.get(); }

 private:
  std::uint64_t most_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Takes a text in pieces and keeps its last line that is not blank, without the line end. Of a long line it keeps the
/// first `longest` bytes.
class LastLine {
 public:
  static constexpr std::size_t longest = 4096;

  void add(std::string_view bytes);
  [[nodiscard]] const std::string& get() const { return current_is_blank_ ? last_ : current_; }

 private:
  std::string last_;
  std::string current_;
  bool current_is_blank_ = true;
};

struct CommandResult {
  int exit_status;           ///< 128+n if signal n has ended it
  bool too_much_output;      ///< the spool had no room for it: its pipe was closed
  std::string last_message;  ///< the last line on its standard error, if that was taken
};

/// Runs a command from its start to its end: feeds it, takes what it prints, and tends the lifeline all the while. The
/// spool gets its output (Setup::take_output); what it prints to its standard error (Setup::take_errors) is copied to
/// ours.
///
/// Returns when the command has ended. If its output is taken, it also waits for the end of the output, even if a
/// process in the background holds that open, as $(COMMAND) does. Throws io, and what the lifeline throws, after it has
/// ended the command.
CommandResult run_command(ChildProcess::Setup setup, ProcessGroups& groups, std::string_view input, Spool* spool,
                          consuming::Lifeline& lifeline);

}  // namespace shardlog::cli

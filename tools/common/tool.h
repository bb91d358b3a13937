#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/exit_status.h"
#include "tools/common/option_table.h"
#include "tools/common/output.h"
#include "tools/common/process_groups.h"
#include "tools/common/signals.h"

namespace shardlog::cli {

/// What a command gets from its program. It takes nothing from elsewhere.
struct Context {
  const std::string& program;
  const Clock& clock;
  Output& output;
  std::stop_token stop;      ///< requested by the first signal that asks the program to end
  std::mutex& commit_mutex;  ///< for OpenOptions
  ProcessGroups& groups;     ///< for commands that are to end with the program
  Duration timeout;          ///< for OpenOptions
  bool quiet;
  bool verbose;

  /// One line on stderr, after the program's name.
  void message(const std::string& text) const;
  /// The same, unless -q.
  void warn(const std::string& text) const;
  /// The same, only with -v.
  void detail(const std::string& text) const;

  [[nodiscard]] OpenOptions open_options(Access access) const { return {access, timeout, &commit_mutex}; }
};

/// A program's frame: its options and help, and the one place where errors and signals become an exit status.
class Tool {
 public:
  /// `synopsis` is what follows the program's name, a line each; `brief` is what -h shows behind the synopsis.
  Tool(std::string name, std::string description, std::vector<std::string> synopsis, std::string brief);

  /// To add the program's own options to.
  OptionTable& options() { return options_; }

  using Command = std::function<ExitStatus(Context&)>;
  int run(int argc, char** argv, const Command& command);

 private:
  enum class Parsed { run, done, wrong };

  Parsed parse(int argc, char** argv);
  ExitStatus guard(Output& output, const std::function<ExitStatus()>& work) const;
  [[nodiscard]] std::string usage() const;
  [[nodiscard]] std::string full_help() const;

  std::string name_;
  std::string description_;
  std::vector<std::string> synopsis_;
  std::string brief_;
  OptionTable options_;
  bool short_help_ = false;
  bool long_help_ = false;
  bool version_ = false;
  bool quiet_ = false;
  bool verbose_ = false;
  Duration timeout_ = std::chrono::seconds(30);
};

/// $STREAM_DIR, where it is set.
std::optional<std::string> stream_directory();

/// A STREAM argument as it is shown: without the slash that a shell's completion of directories adds.
std::string shown_name(std::string stream);

/// The address of a STREAM argument: a bare name is taken below $STREAM_DIR where that is set. It has no slash at its
/// end.
std::string address_of(const std::string& stream);

}  // namespace shardlog::cli

#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/log/stream.h"
#include "tools/common/address.h"
#include "tools/common/option_table.h"
#include "tools/common/output.h"
#include "tools/common/signals.h"

namespace shardlog::cli {

/// What a program tells a script. If a signal has stopped a program, it drains, and then dies of that signal instead.
enum class ExitStatus : int {
  success = 0,  ///< all that was asked is done, and durable or written
  partly = 1,   ///< only a part was done, or the answer is no
  usage = 64,
  data = 65,           ///< a malformed record, or a stream that is damaged or of a newer version
  not_found = 66,      ///< no such stream, shard or consumer
  trimmed = 69,        ///< the position is before the trim horizon
  internal = 70,       ///< a bug
  cannot_create = 73,  ///< exists or cannot be created
  io = 74,             ///< the last batch's outcome is unknown
  try_again = 75,      ///< busy, full, or short of memory, threads or descriptors: nothing of the last batch is stored
  fenced = 76,         ///< another worker took over the lease, or another run took over the producer
  permission = 77,
};

/// All that a command gets from its program. It takes nothing from elsewhere.
struct Context {
  const std::string& program;
  const Clock& clock;
  Output& output;
  std::stop_token stop;      ///< requested by the first signal that asks the program to end
  std::mutex& commit_mutex;  ///< for OpenOptions
  ProcessGroups& groups;     ///< for commands that must end with the program
  Duration timeout;          ///< for OpenOptions
  bool quiet;
  bool verbose;

  /// One line on stderr, after the program's name.
  void message(const std::string& text) const;
  /// The same, unless -q.
  void warn(const std::string& text) const;
  /// The same, only with -v.
  void detail(const std::string& text) const;

  /// With -v, streams tell what they wait for.
  [[nodiscard]] OpenOptions open_options(Access access) const;
};

/// A program's frame: its options and help, and the one place where errors and signals become an exit status.
class Tool {
 public:
  /// `synopsis` is what follows the program's name, a line each; `brief` is what -h shows after the synopsis.
  Tool(std::string name, std::string description, std::vector<std::string> synopsis, std::string brief);

  /// Add the program's own options here.
  OptionTable& options() { return options_; }

  using Command = std::function<ExitStatus(Context&)>;
  int run(int argc, char** argv, const Command& command);

 private:
  /// False if the command line is wrong; a message has said why.
  bool parse(int argc, char** argv);
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

}  // namespace shardlog::cli

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/common/tool.h"

namespace shardlog::cli {

/// One line on stderr for a person who waits, rewritten as the work goes on. Nothing is shown in the first second, with
/// -q, if stderr is not a terminal, or if a person types the input.
class Progress {
 public:
  /// `shared`: the program's output goes to the terminal too.
  Progress(const std::vector<std::string>& files, const Context& context, bool shared);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// This much was stored since the last call.
  void add(std::uint64_t records, std::uint64_t input_bytes);

  /// Removes the line, so that another can be printed.
  void clear();

 private:
  [[nodiscard]] std::string line(Duration passed) const;

  const Clock& clock_;
  bool shown_;
  std::optional<std::uint64_t> total_;  ///< bytes of input, if that is known
  Duration start_;
  Duration last_;
  std::uint64_t records_ = 0;
  std::uint64_t input_bytes_ = 0;
  std::size_t width_ = 0;  ///< of the line that is shown
};

}  // namespace shardlog::cli

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/common/tool.h"

namespace shardlog::cli {

/// One line on stderr for a person who waits, rewritten as the work goes on. Nothing is shown in the first second, with
/// -q, where stderr is no terminal, and where a person types the input.
class Progress {
 public:
  /// `shared` says that what the program prints goes to the terminal too.
  Progress(const std::vector<std::string>& files, const Context& context, bool shared);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So much was stored since the last call.
  void add(std::uint64_t records, std::uint64_t input_bytes);

  /// Takes the line away, so that another can be printed.
  void clear();

 private:
  [[nodiscard]] std::string line(Duration passed) const;

  const Clock& clock_;
  bool shown_;
  std::optional<std::uint64_t> total_;  ///< bytes of input, where that is known
  Duration start_;
  Duration last_;
  std::uint64_t records_ = 0;
  std::uint64_t input_bytes_ = 0;
  std::size_t width_ = 0;  ///< of what stands there
};

}  // namespace shardlog::cli

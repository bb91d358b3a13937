#pragma once

#include <cstdint>
#include <string>

#include "tools/input/framer.h"

namespace shardlog::cli {

/// The most that a piece may have, and whether one that breaks a rule ends the reading.
class Bound {
 public:
  Bound(std::uint64_t most, std::string message, bool skip);

  [[nodiscard]] std::uint64_t most() const { return most_; }

  /// A piece that is larger is left out, or Error malformed is thrown. `line` is where it begins, 0 where pieces are
  /// counted.
  void refuse(Input& input, std::uint64_t line = 0) const { refuse(input, line, message_); }

  /// The same of a piece that breaks another rule.
  void refuse(Input& input, std::uint64_t line, const std::string& why) const;

  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  std::uint64_t most_;
  std::string message_;
  bool skip_;
};

/// Moves a piece to where the next one belongs, with its newline. REQUIRES: it is read already, and one byte behind it
void add_piece(Input& input, const char* start, std::size_t size);

}  // namespace shardlog::cli

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "shardlog/core/error.h"
#include "tools/input/framer.h"

/// What make_framer() builds framers from.
namespace shardlog::cli {

/// The largest size of a piece, and what happens to one that breaks a rule.
struct Bound {
  std::uint64_t most;
  std::string message;  ///< what is wrong with a larger piece
  bool skip;            ///< leave it out, instead of ending the reading

  /// Leaves a piece out, or throws malformed. `line` is where it begins, 0 if pieces are counted instead of lines.
  void refuse(Input& input, const std::string& why, std::uint64_t line = 0) const {
    if (!skip) throw Error(ErrorCode::malformed, why);
    input.holes.push_back({input.lengths.size(), why, line});
  }
};

/// Cuts CSV into records, without their line ends. An empty line is not a record: a record that is one empty field must
/// be written with quotes.
std::unique_ptr<Framer> make_csv_framer(const Framing& framing, Bound bound);

/// Cuts lines into records that begin where a line matches. Lines before the first match are a record too, but a file
/// in which no line matches is refused. Throws usage if the expression is not valid.
std::unique_ptr<Framer> make_record_start_framer(const std::string& expression, Bound bound);

}  // namespace shardlog::cli

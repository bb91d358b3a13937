#pragma once

#include "tools/common/expression.h"
#include "tools/input/bound.h"

namespace shardlog::cli {

/// Cuts lines into records that begin where a line matches. Lines before the first match are a record too, but a file
/// in which no line matches is refused.
class RecordStartFramer final : public Framer {
 public:
  /// Throws usage where the expression is not one.
  RecordStartFramer(const std::string& expression, Bound bound);

  void cut(Input& input, std::size_t count) override;
  void end_file(Input& input) override;
  [[nodiscard]] std::uint64_t line() const override { return line_; }

  [[nodiscard]] bool may_end(const Input& input) const override;
  void end_open_piece(Input& input) override;

 private:
  [[nodiscard]] bool open() const { return matched_ && lines_ > 0 && !dropping_; }
  bool begins_record(const Input& input, std::size_t line, std::size_t end);
  std::size_t take_line(Input& input, std::size_t record, std::size_t line, std::size_t end);
  std::size_t check_unfinished(Input& input, std::size_t record, std::size_t line);
  void end_record(Input& input, std::size_t record, std::size_t end);
  void drop(Input& input);

  std::string text_;
  Expression expression_;
  Bound bound_;
  std::size_t held_ = 0;     ///< bytes of the complete lines of the record that has not ended
  std::uint64_t lines_ = 0;  ///< how many these are, with those that were dropped
  std::uint64_t line_ = 1;   ///< of the file, on which the record begins
  bool matched_ = false;     ///< a line of the file did
  bool dropping_ = false;    ///< the record was found to be too large
  bool long_line_ = false;   ///< so was its unfinished line, of which nothing is held
};

}  // namespace shardlog::cli

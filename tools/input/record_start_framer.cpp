#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "tools/common/expression.h"
#include "tools/input/bound.h"

namespace shardlog::cli {

namespace {

/// Arguments are offsets in the buffer: `record` is where the unfinished record begins, `line` where its unfinished
/// line begins. Functions that return an offset return where the unfinished record begins after the call.
class RecordStartFramer final : public Framer {
 public:
  RecordStartFramer(const std::string& expression, Bound bound)
      : text_(expression), expression_("--record-start", expression), bound_(std::move(bound)) {}

  void cut(Input& input, std::size_t count) override {
    char* const data = input.buffer.data();
    std::size_t record = input.complete;
    std::size_t line = record + held_;
    std::size_t at = input.used - count;
    while (const void* const found = std::memchr(data + at, '\n', input.used - at)) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - data);
      record = take_line(input, record, line, end);
      line = at = end + 1;
    }
    record = check_unfinished(input, record, line);
    held_ = record > line ? 0 : line - record;
    input.keep({data + record, input.used - record});
  }

  void end_file(Input& input) override {
    std::size_t record = input.complete;
    std::size_t end = record + held_;  // after the newline of its last line
    if (input.used > end || long_line_) {
      record = take_line(input, record, end, input.used);
      end = input.used + 1;
    }
    if (lines_ > 0 && !matched_ && !dropping_) {
      bound_.refuse(input, fmt::format("no line matches --record-start {}", quote(text_)), line_);
    } else {
      end_record(input, record, end);
    }
    input.used = input.complete;
    held_ = 0;
    lines_ = 0;
    line_ = 1;
    matched_ = dropping_ = long_line_ = false;
  }

  [[nodiscard]] std::uint64_t line() const override { return line_; }

  [[nodiscard]] bool may_end(const Input& input) const override {
    return open() && input.used == input.complete + held_;
  }

  void end_open_piece(Input& input) override {
    if (!open()) return;
    end_record(input, input.complete, input.complete + held_);
    held_ = 0;
  }

 private:
  [[nodiscard]] bool open() const { return matched_ && lines_ > 0 && !dropping_; }

  bool begins_record(const Input& input, std::size_t line, std::size_t end) {
    const bool matches = expression_.match({input.buffer.data() + line, end - line}).has_value();
    matched_ = matched_ || matches;
    return matches;
  }

  /// A line has ended.
  std::size_t take_line(Input& input, std::size_t record, std::size_t line, std::size_t end) {
    if (!std::exchange(long_line_, false) && begins_record(input, line, end)) {
      end_record(input, record, line);
      record = line;
    }
    ++lines_;
    if (!dropping_ && end - record > bound_.most) drop(input);
    return dropping_ ? end + 1 : record;
  }

  /// If a line is larger than a record may be, its start decides whether it begins a record.
  std::size_t check_unfinished(Input& input, std::size_t record, std::size_t line) {
    if (!long_line_) {
      if (input.used - line <= bound_.most) return record;
      if (begins_record(input, line, input.used)) end_record(input, record, line);
      if (!dropping_) drop(input);
      long_line_ = true;
    }
    return input.used;
  }

  /// The lines up to `end` are a record.
  void end_record(Input& input, std::size_t record, std::size_t end) {
    if (!std::exchange(dropping_, false) && lines_ > 0) {
      input.add_piece({input.buffer.data() + record, end - record - 1});
      input.lines.push_back(line_);
    }
    line_ += std::exchange(lines_, 0);
  }

  void drop(Input& input) {
    bound_.refuse(input,
                  matched_ ? bound_.message
                           : fmt::format("{}, and no line matches --record-start {}", bound_.message, quote(text_)),
                  line_);
    dropping_ = true;
  }

  std::string text_;
  Expression expression_;
  Bound bound_;
  std::size_t held_ = 0;     ///< bytes of the complete lines of the unfinished record
  std::uint64_t lines_ = 0;  ///< the number of these lines, dropped ones included
  std::uint64_t line_ = 1;   ///< of the file, on which the record begins
  bool matched_ = false;     ///< a line of the file has matched
  bool dropping_ = false;    ///< the record was too large
  bool long_line_ = false;   ///< so was its unfinished line, of which nothing is held
};

}  // namespace

std::unique_ptr<Framer> make_record_start_framer(const std::string& expression, Bound bound) {
  return std::make_unique<RecordStartFramer>(expression, std::move(bound));
}

}  // namespace shardlog::cli

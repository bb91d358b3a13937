#include "tools/input/record_start_framer.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "shardlog/core/printable.h"

namespace shardlog::cli {

RecordStartFramer::RecordStartFramer(const std::string& expression, Bound bound)
    : text_(expression), expression_("--record-start", expression), bound_(std::move(bound)) {}

/// Offsets are those in the buffer: `record` is where the record begins that has not ended, `line` where its unfinished
/// line begins.
void RecordStartFramer::cut(Input& input, std::size_t count) {
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
  const std::size_t rest = input.used - record;
  if (record != input.complete) std::memmove(data + input.complete, data + record, rest);
  input.used = input.complete + rest;
}

void RecordStartFramer::end_file(Input& input) {
  std::size_t record = input.complete;
  std::size_t end = record + held_;  // behind the newline of its last line
  if (input.used > end || long_line_) {
    record = take_line(input, record, end, input.used);
    end = input.used + 1;
  }
  if (lines_ > 0 && !matched_ && !dropping_) {
    bound_.refuse(input, line_, fmt::format("no line matches --record-start {}", quote(text_)));
  } else {
    end_record(input, record, end);
  }
  input.used = input.complete;
  held_ = 0;
  lines_ = 0;
  line_ = 1;
  matched_ = dropping_ = long_line_ = false;
}

bool RecordStartFramer::may_end(const Input& input) const {
  return open() && input.used == input.complete + held_;
}

void RecordStartFramer::end_open_piece(Input& input) {
  if (!open()) return;
  end_record(input, input.complete, input.complete + held_);
  held_ = 0;
}

bool RecordStartFramer::begins_record(const Input& input, std::size_t line, std::size_t end) {
  if (!expression_.match({input.buffer.data() + line, end - line})) return false;
  matched_ = true;
  return true;
}

/// A line has ended. Returns where the record begins now.
std::size_t RecordStartFramer::take_line(Input& input, std::size_t record, std::size_t line, std::size_t end) {
  if (!std::exchange(long_line_, false) && begins_record(input, line, end)) {
    end_record(input, record, line);
    record = line;
  }
  ++lines_;
  if (!dropping_ && end - record > bound_.most()) drop(input);
  return dropping_ ? end + 1 : record;
}

/// Of a line that is larger than a record may be, the start must show whether it begins one. Returns where the record
/// begins now.
std::size_t RecordStartFramer::check_unfinished(Input& input, std::size_t record, std::size_t line) {
  if (!long_line_) {
    if (input.used - line <= bound_.most()) return record;
    if (begins_record(input, line, input.used)) end_record(input, record, line);
    if (!dropping_) drop(input);
    long_line_ = true;
  }
  return input.used;
}

/// The lines up to `end` are one.
void RecordStartFramer::end_record(Input& input, std::size_t record, std::size_t end) {
  if (!std::exchange(dropping_, false) && lines_ > 0) {
    add_piece(input, input.buffer.data() + record, end - record - 1);
    input.lines.push_back(line_);
  }
  line_ += std::exchange(lines_, 0);
}

void RecordStartFramer::drop(Input& input) {
  bound_.refuse(input, line_,
                matched_ ? bound_.message()
                         : fmt::format("{}, and no line matches --record-start {}", bound_.message(), quote(text_)));
  dropping_ = true;
}

}  // namespace shardlog::cli

#include "tools/stream-serve/wire/json_writer.h"

#include <chrono>
#include <cstdlib>

#include "tools/common/json_text.h"

namespace shardlog::serve::wire {

void JsonWriter::separate() {
  if (after_value_) text_ += ',';
  after_value_ = true;
}

void JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  after_value_ = false;
}

void JsonWriter::end(char bracket) {
  text_ += bracket;
  after_value_ = true;
}

void JsonWriter::scalar(std::string_view text) {
  separate();
  text_ += text;
}

void JsonWriter::key(std::string_view name) {
  separate();
  cli::append_json_text(text_, name);
  text_ += ':';
  after_value_ = false;
}

void JsonWriter::text(std::string_view text) {
  separate();
  cli::append_json_text(text_, text);
}

void JsonWriter::bytes(std::string_view bytes) {
  separate();
  cli::append_json_base64(text_, bytes);
}

void JsonWriter::time(Timestamp time) {
  // An exponent, which doubles may be printed with, is misread by some SDKs.
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  const std::string thousandths = std::to_string(1000 + std::abs(milliseconds % 1000));  // with its leading zeros
  scalar(milliseconds < 0 ? "-" : "");
  text_.append(std::to_string(std::abs(milliseconds / 1000))).append(1, '.').append(thousandths, 1);
}

void JsonWriter::boolean(bool value) {
  scalar(value ? "true" : "false");
}

void JsonWriter::number(std::int64_t value) {
  scalar(std::to_string(value));
}

std::string JsonWriter::take() {
  after_value_ = false;
  return std::exchange(text_, {});
}

}  // namespace shardlog::serve::wire

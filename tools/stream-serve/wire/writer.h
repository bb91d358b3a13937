#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "shardlog/core/clock.h"

namespace shardlog::serve::wire {

/// Writes an answer as JSON. REQUIRES: in a structure, each value comes after its key()
class Writer {
 public:
  void begin_structure() { begin('{'); }
  void end_structure() { end('}'); }
  void begin_list() { begin('['); }
  void end_list() { end(']'); }

  void key(std::string_view name);
  void text(std::string_view text);  ///< what is not valid UTF-8 becomes U+FFFD
  void bytes(std::string_view bytes);
  void time(Timestamp time);  ///< in whole milliseconds
  void boolean(bool value);
  void number(std::integral auto value) { scalar(std::to_string(value)); }

  // A member of a structure.
  void text(std::string_view name, std::string_view value) { key(name), text(value); }
  void bytes(std::string_view name, std::string_view value) { key(name), bytes(value); }
  void time(std::string_view name, Timestamp value) { key(name), time(value); }
  void boolean(std::string_view name, bool value) { key(name), boolean(value); }
  void number(std::string_view name, std::integral auto value) { key(name), number(value); }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void separate();
  void begin(char bracket);
  void end(char bracket);
  void scalar(std::string_view text);

  std::string text_;
  bool after_value_ = false;  ///< a comma must come before the next one
};

}  // namespace shardlog::serve::wire

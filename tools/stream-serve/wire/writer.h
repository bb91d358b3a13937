#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"

namespace shardlog::serve::wire {

/// What requests and answers are written in.
enum class Form { json, cbor };

constexpr std::string_view media_type(Form form) {
  return form == Form::json ? "application/x-amz-json-1.1" : "application/x-amz-cbor-1.1";
}

/// Writes an answer. REQUIRES: in a structure, each value comes after its key()
class Writer {
 public:
  virtual ~Writer() = default;

  virtual void begin_structure() = 0;
  virtual void end_structure() = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
  virtual void key(std::string_view name) = 0;
  virtual void text(std::string_view text) = 0;  ///< what is not valid UTF-8 becomes U+FFFD
  virtual void bytes(std::string_view bytes) = 0;
  virtual void time(Timestamp time) = 0;  ///< in whole milliseconds
  virtual void boolean(bool value) = 0;
  virtual void number(std::int64_t value) = 0;

  /// Makes room for so many bytes more, so that a large answer is not moved again and again as it grows.
  virtual void reserve(std::size_t bytes) = 0;

  /// What was written; begins anew.
  virtual std::string take() = 0;

  // A member of a structure.
  void text(std::string_view name, std::string_view value) { key(name), text(value); }
  void bytes(std::string_view name, std::string_view value) { key(name), bytes(value); }
  void time(std::string_view name, Timestamp value) { key(name), time(value); }
  void boolean(std::string_view name, bool value) { key(name), boolean(value); }
  void number(std::string_view name, std::integral auto value) { key(name), number(static_cast<std::int64_t>(value)); }
};

std::unique_ptr<Writer> make_writer(Form form);

}  // namespace shardlog::serve::wire

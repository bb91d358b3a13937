#pragma once

#include <utility>

#include "tools/stream-serve/wire/writer.h"

namespace shardlog::serve::wire {

class JsonWriter final : public Writer {
 public:
  using Writer::boolean;
  using Writer::bytes;
  using Writer::number;
  using Writer::text;
  using Writer::time;

  void begin_structure() override { begin('{'); }
  void end_structure() override { end('}'); }
  void begin_list() override { begin('['); }
  void end_list() override { end(']'); }
  void key(std::string_view name) override;
  void text(std::string_view text) override;
  void bytes(std::string_view bytes) override;
  void time(Timestamp time) override;
  void boolean(bool value) override;
  void number(std::int64_t value) override;
  void reserve(std::size_t bytes) override { text_.reserve(text_.size() + bytes); }
  std::string take() override;

 private:
  void separate();
  void begin(char bracket);
  void end(char bracket);
  void scalar(std::string_view text);

  std::string text_;
  bool after_value_ = false;  ///< a comma must come before the next one
};

}  // namespace shardlog::serve::wire

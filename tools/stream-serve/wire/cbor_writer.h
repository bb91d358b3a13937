#pragma once

#include "tools/stream-serve/wire/writer.h"

namespace shardlog::serve::wire {

/// Writes CBOR (RFC 8949). Lists and maps have no size at their start, as those of SDKs for Java have none.
class CborWriter final : public Writer {
 public:
  using Writer::boolean;
  using Writer::bytes;
  using Writer::number;
  using Writer::text;
  using Writer::time;

  void begin_structure() override;
  void end_structure() override;
  void begin_list() override;
  void end_list() override;
  void key(std::string_view name) override;
  void text(std::string_view text) override;
  void bytes(std::string_view bytes) override;
  void time(Timestamp time) override;
  void boolean(bool value) override;
  void number(std::int64_t value) override;
  void reserve(std::size_t bytes) override { bytes_.reserve(bytes_.size() + bytes); }
  std::string take() override;

 private:
  std::string bytes_;
};

}  // namespace shardlog::serve::wire

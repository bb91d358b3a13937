#include "tools/stream-serve/wire/cbor_writer.h"

#include <cbor.h>

#include <array>
#include <chrono>
#include <utility>

#include "shardlog/core/utf8.h"
#include "tools/stream-serve/wire/json_writer.h"

namespace shardlog::serve::wire {

namespace {

constexpr std::uint64_t epoch_time = 1;  // a tag (RFC 8949, section 3.4.2)

/// Appends what one of libcbor's functions encodes: at most nine bytes.
template <typename Encode, typename... Values>
void append(std::string& to, const Encode& encode, Values... values) {
  std::array<unsigned char, 9> head{};
  const std::size_t size = encode(values..., head.data(), head.size());
  to.append(reinterpret_cast<const char*>(head.data()), size);
}

/// With U+FFFD for each byte that does not belong to a character.
std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t size = utf8_character(text);
    valid += size > 0 ? text.substr(0, size) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(size > 0 ? size : 1);
  }
  return valid;
}

}  // namespace

void CborWriter::begin_structure() {
  append(bytes_, cbor_encode_indef_map_start);
}

void CborWriter::end_structure() {
  append(bytes_, cbor_encode_break);
}

void CborWriter::begin_list() {
  append(bytes_, cbor_encode_indef_array_start);
}

void CborWriter::end_list() {
  append(bytes_, cbor_encode_break);
}

void CborWriter::key(std::string_view name) {
  text(name);
}

void CborWriter::text(std::string_view text) {
  if (!utf8_length(text)) return this->text(valid_utf8(text));
  append(bytes_, cbor_encode_string_start, text.size());
  bytes_ += text;
}

void CborWriter::bytes(std::string_view bytes) {
  append(bytes_, cbor_encode_bytestring_start, bytes.size());
  bytes_ += bytes;
}

void CborWriter::time(Timestamp time) {
  append(bytes_, cbor_encode_tag, epoch_time);
  number(std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
}

void CborWriter::boolean(bool value) {
  append(bytes_, cbor_encode_bool, value);
}

void CborWriter::number(std::int64_t value) {
  if (value >= 0) {
    append(bytes_, cbor_encode_uint, static_cast<std::uint64_t>(value));
  } else {
    append(bytes_, cbor_encode_negint, static_cast<std::uint64_t>(-1 - value));
  }
}

std::string CborWriter::take() {
  return std::exchange(bytes_, {});
}

std::unique_ptr<Writer> make_writer(Form form) {
  if (form == Form::json) return std::make_unique<JsonWriter>();
  return std::make_unique<CborWriter>();
}

}  // namespace shardlog::serve::wire

#include "tools/stream-serve/wire/event_frame.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace shardlog::serve::wire {

namespace {

constexpr std::size_t before_headers = 12;
constexpr std::size_t checksum_bytes = 4;

/// The CRC-32 of each byte (ISO 3309, as in zlib).
constexpr std::array<std::uint32_t, 256> checksums_of_bytes() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0xedb88320U : 0U);
    table[byte] = rest;
  }
  return table;
}

std::uint32_t checksum_of(std::string_view bytes) {
  static constexpr auto table = checksums_of_bytes();
  std::uint32_t checksum = 0xffffffff;
  for (const char byte : bytes) {
    checksum = (checksum >> 8) ^ table[(checksum ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~checksum;
}

void append_number(std::string& to, std::size_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to += static_cast<char>((value >> shift) & 0xff);
}

}  // namespace

std::string event_frame(std::initializer_list<std::pair<std::string_view, std::string_view>> headers,
                        std::string_view payload) {
  constexpr char is_text = 7;
  std::string packed;
  for (const auto& [name, value] : headers) {
    append_number(packed, name.size(), 1);
    packed += name;
    packed += is_text;
    append_number(packed, value.size(), 2);
    packed += value;
  }
  const std::size_t size = before_headers + packed.size() + payload.size() + checksum_bytes;
  std::string frame;
  frame.reserve(size);
  append_number(frame, size, 4);
  append_number(frame, packed.size(), 4);
  append_number(frame, checksum_of(frame), 4);
  frame += packed;
  frame += payload;
  append_number(frame, checksum_of(frame), checksum_bytes);
  return frame;
}

}  // namespace shardlog::serve::wire

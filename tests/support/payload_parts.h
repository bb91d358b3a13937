#pragma once

#include <xxhash.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/bytes.h"
#include "shardlog/core/record_batch.h"

/// Payloads put together from the description of the format, with nothing of the encoder: what it writes and what it
/// would never write.
namespace shardlog::test {

template <std::unsigned_integral Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xff);
  }
  return bytes;
}

/// "XXH3-64 of everything from offset 32, with XXH3-64 of bytes 0 to 23 as its seed". REQUIRES: at least 32 bytes
inline std::uint64_t described_checksum(std::string_view payload) {
  const std::uint64_t seed = XXH3_64bits(payload.data(), 24);
  const std::string_view rest = payload.substr(32);
  return XXH3_64bits_withSeed(rest.data(), rest.size(), seed);
}

/// Makes the checksum right again. REQUIRES: at least 32 bytes
inline void seal(std::string& payload) {
  payload.replace(24, 8, little_endian(described_checksum(payload)));
}

/// A column of lengths of the same width, 1, 2 or 4.
inline std::string lengths(std::uint8_t width, const std::vector<std::uint32_t>& values) {
  std::string column = little_endian(width);
  for (const std::uint32_t value : values) column += little_endian(value).substr(0, width);
  return column;
}

/// A column of one length that all records share.
inline std::string shared_length(std::uint32_t value) {
  return std::string(1, '\0') + little_endian(value);
}

namespace column {
constexpr unsigned data_lengths = 0;
constexpr unsigned key_lengths = 1;
constexpr unsigned keys = 2;
constexpr unsigned explicit_hash_keys = 3;
constexpr unsigned data = 4;
}  // namespace column

/// The parts of a payload; the sizes follow from the columns where they are not given.
struct PayloadParts {
  std::uint32_t record_count = 1;
  std::map<unsigned, std::string> columns;
  std::uint8_t version = 1;
  std::uint8_t codec = 0;
  std::uint16_t zero = 0;
  std::map<unsigned, std::uint32_t> column_sizes{};  ///< other than the true ones
  std::optional<std::uint32_t> body_size{};
  std::optional<std::uint32_t> stored_size{};
  std::optional<std::string> stored_body{};  ///< what the columns are compressed to

  [[nodiscard]] std::string sealed() const {
    std::uint32_t bits = 0;
    std::string sizes;
    std::string body;
    for (const auto& [number, bytes] : columns) {
      bits |= 1U << number;
      const auto other = column_sizes.find(number);
      sizes += little_endian(other == column_sizes.end() ? static_cast<std::uint32_t>(bytes.size()) : other->second);
      body += bytes;
    }
    const auto size = static_cast<std::uint32_t>(body.size());
    std::string payload =
        "SLRB" + little_endian(version) + little_endian(codec) + little_endian(zero) + little_endian(bits) +
        little_endian(record_count) + little_endian(body_size.value_or(size)) +
        little_endian(stored_size.value_or(stored_body ? static_cast<std::uint32_t>(stored_body->size())
                                                       : body_size.value_or(size))) +
        std::string(8, '\0') + sizes + stored_body.value_or(body);
    seal(payload);
    return payload;
  }
};

/// Decodes a copy that fills its block of memory exactly, so that a sanitizer sees a step beyond either end.
inline RecordBatch decode(std::string_view payload) {
  Bytes bytes(payload.size());
  std::copy(payload.begin(), payload.end(), bytes.data());
  return RecordBatch::decode(std::move(bytes));
}

}  // namespace shardlog::test

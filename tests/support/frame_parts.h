#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/bytes.h"
#include "shardlog/core/frame.h"
#include "support/payload_parts.h"

/// Frames put together from the description of the format, with nothing of the encoder.
namespace shardlog::test {

/// "XXH3-64 of the n digits, with XXH3-64 of bytes 0 to 39 as its seed". REQUIRES: at least 48 bytes
inline std::uint64_t described_frame_checksum(std::string_view frame) {
  const std::uint64_t seed = XXH3_64bits(frame.data(), 40);
  const std::string_view digits = frame.substr(48, static_cast<unsigned char>(frame[5]));
  return XXH3_64bits_withSeed(digits.data(), digits.size(), seed);
}

/// Makes the frame's own checksum right again; its payload has another. REQUIRES: at least 48 bytes
inline void seal_frame(std::string& frame) {
  frame.replace(40, 8, little_endian(described_frame_checksum(frame)));
}

/// The parts of a frame; the sizes follow from the others where they are not given.
struct FrameParts {
  std::string digits = "1";
  std::string payload{};
  std::uint32_t shard = 0;
  std::string stream = std::string(16, '\0');  ///< 16 bytes
  std::uint64_t arrived_at = 0;
  std::uint8_t version = 1;
  std::uint16_t zero = 0;
  std::optional<std::uint8_t> digit_count{};
  std::optional<std::uint32_t> payload_size{};

  [[nodiscard]] std::string sealed() const {
    std::string frame =
        "SLFR" + little_endian(version) +
        little_endian(digit_count.value_or(static_cast<std::uint8_t>(digits.size()))) + little_endian(zero) +
        little_endian(payload_size.value_or(static_cast<std::uint32_t>(payload.size()))) + little_endian(shard) +
        stream + little_endian(arrived_at) + std::string(8, '\0') + digits + payload;
    seal_frame(frame);
    return frame;
  }
};

/// Decodes a copy that fills its block of memory exactly, so that a sanitizer sees a step beyond either end.
inline Frame read_frame(std::string_view frame) {
  Bytes bytes(frame.size());
  std::copy(frame.begin(), frame.end(), bytes.data());
  return decode_frame(bytes.view());
}

}  // namespace shardlog::test

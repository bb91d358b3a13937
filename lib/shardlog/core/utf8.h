#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace shardlog {

/// Whether all of `text` is ASCII. Fast for short texts too: it runs on every key.
inline bool is_ascii(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  const auto eight_bytes = [&text](std::size_t at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    return bytes;
  };
  std::uint64_t seen = 0;
  if (text.size() < 8) {
    for (const char byte : text) seen |= static_cast<unsigned char>(byte);
  } else {
    for (std::size_t at = 0; at + 8 < text.size(); at += 8) seen |= eight_bytes(at);
    seen |= eight_bytes(text.size() - 8);
  }
  return (seen & high_bits) == 0;
}

/// The size in bytes of the character at the start of `text`; 0 if no valid one starts there (RFC 3629: no overlong
/// forms, no surrogates, nothing over U+10FFFF).
std::size_t utf8_character(std::string_view text);

/// The number of Unicode characters in `text`; nullopt if it is not valid UTF-8.
std::optional<std::size_t> utf8_length(std::string_view text);

}  // namespace shardlog

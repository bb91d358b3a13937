#include "shardlog/core/utf8.h"

#include <cstdint>
#include <cstring>

namespace shardlog {

namespace {

struct LeadByte {
  std::size_t continuation_bytes;
  std::uint32_t payload;
  std::uint32_t smallest;  // a character below this one has a shorter form
};

std::optional<LeadByte> classify(unsigned char byte) {
  if (byte < 0x80) return LeadByte{0, byte, 0};
  if (byte >= 0xc0 && byte < 0xe0) return LeadByte{1, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return LeadByte{2, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf8) return LeadByte{3, byte & 0x07U, 0x10000};
  return std::nullopt;
}

/// The number of ASCII bytes at the start of `text`, in steps of eight: most text is all ASCII.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at + 8 <= text.size() && is_ascii(text.substr(at, 8))) at += 8;
  return at;
}

}  // namespace

std::size_t utf8_character(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = classify(static_cast<unsigned char>(text.front()));
  if (!lead || text.size() <= lead->continuation_bytes) return 0;
  std::uint32_t character = lead->payload;
  for (std::size_t i = 1; i <= lead->continuation_bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return 0;
    character = character << 6 | (byte & 0x3fU);
  }
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < lead->smallest || character > 0x10ffff || surrogate ? 0 : lead->continuation_bytes + 1;
}

std::optional<std::size_t> utf8_length(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t characters = 0;
  while (!text.empty()) {
    const std::size_t ascii = ascii_prefix(text);
    characters += ascii;
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const std::size_t bytes = utf8_character(text);
    if (bytes == 0) return std::nullopt;
    ++characters;
    text.remove_prefix(bytes);
  }
  return characters;
}

}  // namespace shardlog

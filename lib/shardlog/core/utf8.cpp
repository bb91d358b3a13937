#include "shardlog/core/utf8.h"

#include <cstdint>

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

}  // namespace

std::optional<std::size_t> utf8_length(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    const auto lead = classify(static_cast<unsigned char>(text[at]));
    if (!lead || text.size() - at <= lead->continuation_bytes) return std::nullopt;
    std::uint32_t character = lead->payload;
    for (std::size_t i = 1; i <= lead->continuation_bytes; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      if ((byte & 0xc0U) != 0x80) return std::nullopt;
      character = character << 6 | (byte & 0x3fU);
    }
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < lead->smallest || character > 0x10ffff || surrogate) return std::nullopt;
    at += lead->continuation_bytes + 1;
  }
  return characters;
}

}  // namespace shardlog

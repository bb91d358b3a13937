#include "tools/common/json_text.h"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "shardlog/core/utf8.h"

namespace shardlog::cli {

namespace {

/// Of which bytes a character is not written as it stands, or may not be: the last begins the C1 controls.
constexpr std::array<bool, 256> special = [] {
  std::array<bool, 256> bytes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) bytes.at(byte) = true;
  for (const std::size_t byte : {0x22U, 0x5cU, 0x7fU, 0xc2U}) bytes.at(byte) = true;
  return bytes;
}();

/// How many bytes of `text` go as they stand, from its start.
std::size_t plain_prefix(std::string_view text) {
  const auto found =
      std::find_if(text.begin(), text.end(), [](char c) { return special[static_cast<unsigned char>(c)]; });
  return static_cast<std::size_t>(found - text.begin());
}

/// Writes the character that `text` begins with, which is special. Returns its bytes.
std::size_t append_special(std::string& to, std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  switch (byte) {
    case '"':
      to += "\\\"";
      return 1;
    case '\\':
      to += "\\\\";
      return 1;
    case '\n':
      to += "\\n";
      return 1;
    case '\r':
      to += "\\r";
      return 1;
    case '\t':
      to += "\\t";
      return 1;
    case 0xc2:
      if (text.size() < 2 || static_cast<unsigned char>(text[1]) >= 0xa0) {
        to += text.front();
        return 1;
      }
      // C1 commands terminals.
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned char>(text[1]));
      return 2;
    default:
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
      return 1;
  }
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (true) {
    const std::size_t plain = plain_prefix(text);
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    text.remove_prefix(append_special(to, text));
  }
  to += '"';
}

void append_json_text(std::string& to, std::string_view text) {
  std::string repaired;
  while (!text.empty()) {
    const std::size_t bytes = utf8_character(text);
    repaired += bytes == 0 ? "\uFFFD" : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  append_json_string(to, repaired);
}

void append_json_base64(std::string& to, std::string_view bytes) {
  to += '"';
  append_base64(to, bytes);
  to += '"';
}

void append_base64(std::string& to, std::string_view bytes) {
  const std::size_t start = to.size();
  to.resize(start + BASE64_ENCODE_RAW_LENGTH(bytes.size()));
  // nettle takes bytes as uint8_t; char may alias them.
  base64_encode_raw(to.data() + start, bytes.size(),
                    reinterpret_cast<const std::uint8_t*>(bytes.data()));  // NOLINT(*-reinterpret-cast)
}

}  // namespace shardlog::cli

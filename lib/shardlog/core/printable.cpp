#include "shardlog/core/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "shardlog/core/utf8.h"

namespace shardlog {

namespace {

bool is_control(std::string_view character) {
  const auto byte = static_cast<unsigned char>(character.front());
  const bool c1 = byte == 0xc2 && static_cast<unsigned char>(character.back()) < 0xa0;  // U+0080 to U+009F
  return byte < 0x20 || byte == 0x7f || c1;
}

}  // namespace

void append_printable(std::string& to, std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_character(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    if (bytes == 0 || is_control(character)) {
      for (const char c : character) {
        fmt::format_to(std::back_inserter(to), "\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      to += character;
    }
    text.remove_prefix(character.size());
  }
}

std::string printable(std::string_view text) {
  std::string result;
  append_printable(result, text);
  return result;
}

std::string quote(std::string_view text) {
  return fmt::format("'{}'", printable(text));
}

}  // namespace shardlog

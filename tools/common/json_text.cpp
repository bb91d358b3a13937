#include "tools/common/json_text.h"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <algorithm>

#include "shardlog/core/utf8.h"

namespace shardlog::cli {

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '"':
        to += "\\\"";
        break;
      case '\\':
        to += "\\\\";
        break;
      case '\n':
        to += "\\n";
        break;
      case '\r':
        to += "\\r";
        break;
      case '\t':
        to += "\\t";
        break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
          fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
        } else if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
          fmt::format_to(std::back_inserter(to), "\\u{:04x}",
                         static_cast<unsigned char>(text[++i]));  // C1 commands terminals
        } else {
          to += c;
        }
    }
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

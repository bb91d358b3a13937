#include "tools/common/json_text.h"

#include <fmt/format.h>
#include <nettle/base64.h>

namespace shardlog::cli {

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  for (const char c : text) {
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
        } else {
          to += c;
        }
    }
  }
  to += '"';
}

void append_json_base64(std::string& to, std::string_view bytes) {
  to += '"';
  const std::size_t start = to.size();
  to.resize(start + BASE64_ENCODE_RAW_LENGTH(bytes.size()));
  // nettle takes bytes as uint8_t; char may alias them.
  base64_encode_raw(to.data() + start, bytes.size(),
                    reinterpret_cast<const std::uint8_t*>(bytes.data()));  // NOLINT(*-reinterpret-cast)
  to += '"';
}

}  // namespace shardlog::cli

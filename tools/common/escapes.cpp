#include "tools/common/escapes.h"

#include <charconv>

namespace shardlog::cli {

std::optional<std::string> unescape(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      result += c;
      continue;
    }
    if (text.empty()) return std::nullopt;
    const char kind = text.front();
    text.remove_prefix(1);
    switch (kind) {
      case 'n':
        result += '\n';
        break;
      case 't':
        result += '\t';
        break;
      case 'r':
        result += '\r';
        break;
      case '0':
        result += '\0';
        break;
      case '\\':
        result += '\\';
        break;
      case 'x': {
        unsigned value = 0;
        constexpr std::size_t digits = 2;
        if (text.size() < digits) return std::nullopt;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + digits, value, 16);
        if (error != std::errc() || stop != text.data() + digits) return std::nullopt;
        result += static_cast<char>(value);
        text.remove_prefix(digits);
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return result;
}

}  // namespace shardlog::cli

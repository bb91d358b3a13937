#include "tools/common/escapes.h"

#include "tools/common/scan.h"

namespace shardlog::cli {

namespace {

/// Takes off what follows a backslash, and returns what it stands for.
std::optional<char> take_escape(std::string_view& text) {
  constexpr std::string_view letters = "ntr0\\";
  constexpr std::string_view meanings("\n\t\r\0\\", letters.size());
  if (take(text, "x")) {
    const auto byte = take_hexadecimal(text, 2);
    return byte ? std::optional(static_cast<char>(*byte)) : std::nullopt;
  }
  const std::size_t known = text.empty() ? std::string_view::npos : letters.find(text.front());
  if (known == std::string_view::npos) return std::nullopt;
  text.remove_prefix(1);
  return meanings[known];
}

bool is_plain(char c) {
  constexpr std::string_view others = "_./:@%+=,-";
  return is_digit(c) || is_letter(c) || others.find(c) != std::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::optional<std::string> unescape(std::string_view text) {
  std::string result;
  while (true) {
    result += take_while(text, [](char c) { return c != '\\'; });
    if (!take(text, "\\")) return result;
    const auto escaped = take_escape(text);
    if (!escaped) return std::nullopt;
    result += *escaped;
  }
}

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? R"('\'')" : std::string(1, c);
  return result + "'";
}

}  // namespace shardlog::cli

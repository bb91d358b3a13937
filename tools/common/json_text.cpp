#include "tools/common/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

#include "shardlog/core/utf8.h"
#include "tools/common/base64.h"

namespace shardlog::cli {

namespace {

/// The letter after the backslash of each byte's escape: u stands for \u00HH, 0 for a byte that is written as it is.
/// 0xc2 is the first byte of the C1 controls, which are commands to terminals, and of other characters too.
constexpr std::array<char, 256> escapes = [] {
  std::array<char, 256> letters{};
  std::fill_n(letters.begin(), 0x20, 'u');
  for (const auto& [byte, letter] : {std::pair('"', '"'), {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}}) {
    letters.at(static_cast<std::size_t>(byte)) = letter;
  }
  letters[0x7f] = letters[0xc2] = 'u';
  return letters;
}();

/// Whether eight bytes are ASCII without controls, quotes and backslashes, as most are. All eight are looked at in one
/// number: each term sets the highest bit of a byte that it looks for.
bool are_plain(const char* at) {
  constexpr std::uint64_t each = 0x0101010101010101;
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  const auto has = [bytes](std::uint64_t byte) {
    const std::uint64_t different = bytes ^ each * byte;
    return (different - each) & ~different;
  };
  const std::uint64_t is_control = (bytes - each * 0x20) & ~bytes;
  return ((bytes | is_control | has('"') | has('\\') | has(0x7f)) & each * 0x80) == 0;
}

/// How many bytes at the start of `text` are written as they are.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at + 8 <= text.size() && are_plain(text.data() + at)) at += 8;
  if (text.size() - at < 8 && text.size() >= 8 && are_plain(text.data() + text.size() - 8)) return text.size();
  const auto found = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                                  [](char c) { return escapes[static_cast<unsigned char>(c)] != 0; });
  return static_cast<std::size_t>(found - text.begin());
}

/// Writes the character that `text` begins with, which is not plain. Returns how many bytes it has.
std::size_t append_escaped(std::string& to, std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  if (const char letter = escapes[byte]; letter != 'u') {
    to.append({'\\', letter});
    return 1;
  }
  const bool in_two_bytes = byte == 0xc2;
  if (in_two_bytes && (text.size() < 2 || static_cast<unsigned char>(text[1]) >= 0xa0)) {
    to += text.front();
    return 1;
  }
  fmt::format_to(std::back_inserter(to), "\\u{:04x}", in_two_bytes ? static_cast<unsigned char>(text[1]) : byte);
  return in_two_bytes ? 2 : 1;
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (true) {
    const std::size_t plain = plain_prefix(text);
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    text.remove_prefix(append_escaped(to, text));
  }
  to += '"';
}

void append_json_text(std::string& to, std::string_view text) {
  if (is_ascii(text) || utf8_length(text)) return append_json_string(to, text);
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

std::string json(std::string_view text) {
  std::string result;
  append_json_text(result, text);
  return result;
}

std::string json(Timestamp time) {
  return json(to_rfc3339(time));
}

std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string text;
  for (const auto& [name, value] : members) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", json(name), value);
  return "{" + text + "}";
}

}  // namespace shardlog::cli

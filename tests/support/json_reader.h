#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// What a JSON reader makes of what the programs write; written from RFC 8259 and RFC 4648, with nothing of the writer.
namespace shardlog::test {

inline std::optional<unsigned> hex_digit(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t value = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(value));
}

/// The character behind \u, as UTF-8; nothing where it is none below U+0800.
inline std::optional<std::string> read_unicode_escape(std::string_view digits) {
  unsigned code = 0;
  if (digits.size() < 4) return std::nullopt;
  for (const char c : digits.substr(0, 4)) {
    const auto digit = hex_digit(c);
    if (!digit) return std::nullopt;
    code = code * 16 + *digit;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  if (code >= 0x800) return std::nullopt;
  return std::string{static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

/// The text of a JSON string with its quotes; nothing where it is none.
inline std::optional<std::string> read_json_string(std::string_view json) {
  if (json.size() < 2 || json.front() != '"' || json.back() != '"') return std::nullopt;
  json = json.substr(1, json.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"' || static_cast<unsigned char>(json[i]) < 0x20) return std::nullopt;
    if (json[i] != '\\') {
      text += json[i];
      continue;
    }
    if (++i == json.size()) return std::nullopt;
    if (json[i] == 'u') {
      const auto character = read_unicode_escape(json.substr(i + 1));
      if (!character) return std::nullopt;
      text += *character;
      i += 4;
      continue;
    }
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t letter = letters.find(json[i]);
    if (letter == std::string_view::npos) return std::nullopt;
    text += meanings[letter];
  }
  return text;
}

/// The bytes of a JSON string in base64, with its quotes; nothing where it is none.
inline std::optional<std::string> read_json_base64(std::string_view json) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (json.size() % 4 != 2 || json.front() != '"' || json.back() != '"') return std::nullopt;
  json = json.substr(1, json.size() - 2);
  const std::size_t padding = json.ends_with("==") ? 2 : json.ends_with('=') ? 1 : 0;
  std::string bytes;
  for (std::size_t group = 0; group < json.size(); group += 4) {
    unsigned bits = 0;
    const std::size_t letters = group + 4 == json.size() ? 4 - padding : 4;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t value = i < letters ? alphabet.find(json[group + i]) : 0;
      if (value == std::string_view::npos) return std::nullopt;
      bits = bits << 6 | static_cast<unsigned>(value);
    }
    for (std::size_t i = 0; i + 1 < letters; ++i) bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xff);
  }
  return bytes;
}

}  // namespace shardlog::test

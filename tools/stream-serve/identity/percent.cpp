#include "tools/stream-serve/identity/percent.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace shardlog::serve::identity {

namespace {

std::optional<int> digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

}  // namespace

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto high = text[at] == '%' && at + 2 < text.size() ? digit_of(text[at + 1]) : std::nullopt;
    const auto low = high ? digit_of(text[at + 2]) : std::nullopt;
    decoded += low ? static_cast<char>(*high * 16 + *low) : text[at];
    if (low) at += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text, std::string_view more) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c) || more.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace shardlog::serve::identity

#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "shardlog/core/numbers.h"

/// For parsers: these functions take pieces off the start of a text.
namespace shardlog::cli {

constexpr auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
constexpr auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };

/// Takes `what` off the start of `text`. False if `text` does not begin with it.
inline bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

/// Takes off the first `size` characters. REQUIRES: size <= text.size()
inline std::string_view take_first(std::string_view& text, std::size_t size) {
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

/// Takes off all characters up to the first that does not belong.
template <typename Belongs>
std::string_view take_while(std::string_view& text, Belongs belongs) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), belongs);
  return take_first(text, static_cast<std::size_t>(end - text.begin()));
}

/// Takes off a hexadecimal number of exactly this many digits. Empty if it is not one.
inline std::optional<unsigned> take_hexadecimal(std::string_view& text, std::size_t digits) {
  return text.size() < digits ? std::nullopt : parse_number<unsigned>(take_first(text, digits), 16);
}

/// The text without the spaces at its two ends.
inline std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace shardlog::cli

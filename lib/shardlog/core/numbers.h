#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace shardlog {

/// Reads the whole text as a number, in a base if one is given; nullopt if the text is anything else, or if the number
/// does not fit the type.
template <typename Number, typename... Base>
std::optional<Number> parse_number(std::string_view text, Base... base) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base...);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

}  // namespace shardlog

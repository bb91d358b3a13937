#pragma once

#include <charconv>
#include <cmath>
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

/// Rounds up a number of 0 or more. A number that exceeds a whole one only by a rounding error becomes that whole
/// number: 0.28 of 25 is 7, but in binary a little more.
inline double rounded_up(double number) {
  return std::ceil(number * (1 - 1e-12));
}

}  // namespace shardlog

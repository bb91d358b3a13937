#include "tools/common/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace shardlog::cli {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A number as it is written: digits, and those behind a point where there is one.
struct Decimal {
  std::string_view whole;
  std::string_view fraction;
  std::string_view all;
};

/// An unsigned number with an optional fraction at the start of `text`, which it is taken from.
std::optional<Decimal> take_decimal(std::string_view& text) {
  const auto digits_from = [text](std::size_t start) {
    std::size_t end = start;
    while (end < text.size() && is_digit(text[end])) ++end;
    return text.substr(start, end - start);
  };
  Decimal result{digits_from(0), {}, {}};
  std::size_t length = result.whole.size();
  if (length == 0) return std::nullopt;
  if (length < text.size() && text[length] == '.') {
    result.fraction = digits_from(length + 1);
    if (result.fraction.empty()) return std::nullopt;
    length += 1 + result.fraction.size();
  }
  result.all = text.substr(0, length);
  text.remove_prefix(length);
  return result;
}

/// The same as a double; nothing where it is too large or too small for one.
std::optional<double> take_number(std::string_view& text) {
  const auto decimal = take_decimal(text);
  double number = 0;
  if (!decimal) return std::nullopt;
  const auto [stop, error] = std::from_chars(decimal->all.data(), decimal->all.data() + decimal->all.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

/// `number` units of `unit` each: exact, and nothing where it is not a whole number or over `most`.
std::optional<std::uint64_t> multiply(const Decimal& number, std::uint64_t unit, std::uint64_t most) {
  std::uint64_t whole = 0;
  const auto [stop, error] = std::from_chars(number.whole.data(), number.whole.data() + number.whole.size(), whole);
  if (error != std::errc()) return std::nullopt;
  std::uint64_t carried = 0;  // as on paper, from the last digit on
  for (auto digit = number.fraction.rbegin(); digit != number.fraction.rend(); ++digit) {
    carried += static_cast<std::uint64_t>(*digit - '0') * unit;
    if (carried % 10 != 0) return std::nullopt;
    carried /= 10;
  }
  if (whole > (most - carried) / unit) return std::nullopt;
  return whole * unit + carried;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t k = 1024;
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 11> units{{{"", 1},
                                                                              {"B", 1},
                                                                              {"k", k},
                                                                              {"M", k * k},
                                                                              {"G", k * k * k},
                                                                              {"KiB", k},
                                                                              {"MiB", k * k},
                                                                              {"GiB", k * k * k},
                                                                              {"kB", 1000},
                                                                              {"MB", 1'000'000},
                                                                              {"GB", 1'000'000'000}}};
  const auto number = take_decimal(text);
  const auto* const unit =
      std::find_if(units.begin(), units.end(), [text](const auto& known) { return known.first == text; });
  if (!number || unit == units.end()) return std::nullopt;
  return multiply(*number, unit->second, std::numeric_limits<std::int64_t>::max());
}

std::optional<double> parse_percent(std::string_view text) {
  const auto percent = take_number(text);
  if (!percent || *percent <= 0 || *percent > 100) return std::nullopt;
  return text.empty() || text == "%" ? percent : std::nullopt;
}

std::optional<double> parse_speed(std::string_view text) {
  const auto speed = take_number(text);
  if (!speed || *speed <= 0) return std::nullopt;
  return text.empty() || text == "x" ? speed : std::nullopt;
}

std::optional<Duration> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 7> units{
      {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86'400e6}, {"w", 604'800e6}}};
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto* const unit_end = std::find_if(text.begin(), text.end(), [](char c) { return is_digit(c); });
    const std::string_view name = text.substr(0, static_cast<std::size_t>(unit_end - text.begin()));
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [name](const auto& known) { return known.first == name; });
    if (unit == units.end()) return std::nullopt;
    total += *number * unit->second;
    text.remove_prefix(name.size());
  }
  constexpr double most = 3.2e15;  // about a hundred years
  if (total > most) return std::nullopt;
  return Duration(std::llround(total));
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 || value >= 99.95 ? fmt::format("{:.0f} {}", value, units.at(unit))
                                     : fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string format_count(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

std::string format_count(std::uint64_t count, std::string_view one, std::string_view more) {
  if (count == 1) return fmt::format("1 {}", one);
  return more.empty() ? fmt::format("{} {}s", format_count(count), one)
                      : fmt::format("{} {}", format_count(count), more);
}

}  // namespace shardlog::cli

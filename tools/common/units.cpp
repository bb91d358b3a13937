#include "tools/common/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/common/scan.h"

namespace shardlog::cli {

namespace {

/// A number as it is written: the digits before the point, those after it if there is one, and all of it together.
struct Decimal {
  std::string_view whole;
  std::string_view fraction;
  std::string_view all;
};

/// Takes an unsigned number, which may have a fraction, off the start of `text`.
std::optional<Decimal> take_decimal(std::string_view& text) {
  const std::string_view start = text;
  Decimal result{take_while(text, is_digit), {}, {}};
  if (result.whole.empty()) return std::nullopt;
  if (take(text, ".")) {
    result.fraction = take_while(text, is_digit);
    if (result.fraction.empty()) return std::nullopt;
  }
  result.all = start.substr(0, start.size() - text.size());
  return result;
}

/// The same as a double; empty if it is too large or too small for one.
std::optional<double> take_number(std::string_view& text) {
  const auto decimal = take_decimal(text);
  return decimal ? parse_number<double>(decimal->all) : std::nullopt;
}

/// `number` units of `unit` each, exactly; empty if that is not a whole number, or over `most`.
std::optional<std::uint64_t> multiply(const Decimal& number, std::uint64_t unit, std::uint64_t most) {
  const auto whole = parse_number<std::uint64_t>(number.whole);
  if (!whole) return std::nullopt;
  std::uint64_t carried = 0;  // as on paper, from the last digit on
  for (auto digit = number.fraction.rbegin(); digit != number.fraction.rend(); ++digit) {
    carried += static_cast<std::uint64_t>(*digit - '0') * unit;
    if (carried % 10 != 0) return std::nullopt;
    carried /= 10;
  }
  if (*whole > (most - carried) / unit) return std::nullopt;
  return *whole * unit + carried;
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
    const std::string_view name = take_while(text, [](char c) { return !is_digit(c); });
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [name](const auto& known) { return known.first == name; });
    if (unit == units.end()) return std::nullopt;
    total += *number * unit->second;
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
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::string format_count(std::uint64_t count, std::string_view one, std::string_view more) {
  if (count == 1) return fmt::format("1 {}", one);
  return more.empty() ? fmt::format("{} {}s", format_count(count), one)
                      : fmt::format("{} {}", format_count(count), more);
}

}  // namespace shardlog::cli

#include "tools/common/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
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

/// Exactly `digits` digits at the start of `text`, which they are taken from.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !std::all_of(text.begin(), text.begin() + digits, is_digit)) return std::nullopt;
  int number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

/// The microseconds of what follows a point, as many digits as there are.
Duration take_fraction(std::string_view& text) {
  std::int64_t value = 0;
  std::int64_t unit = 100'000;
  while (!text.empty() && is_digit(text.front())) {
    value += (text.front() - '0') * unit;
    unit /= 10;
    text.remove_prefix(1);
  }
  return Duration(value);
}

struct ClockTime {
  int hour = 0;
  int minute = 0;
  int second = 0;
  Duration fraction{};
};

std::optional<ClockTime> take_clock_time(std::string_view& text) {
  ClockTime result;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute) return std::nullopt;
  result.hour = *hour;
  result.minute = *minute;
  if (take(text, ":")) {
    const auto second = take_digits(text, 2);
    if (!second) return std::nullopt;
    result.second = *second;
    if (text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
      text.remove_prefix(1);
      result.fraction = take_fraction(text);
    }
  }
  if (result.hour > 23 || result.minute > 59 || result.second > 60) return std::nullopt;
  return result;
}

/// The offset of a zone, Z or +hh:mm or -hh:mm.
std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (take(text, "Z") || take(text, "z")) return std::chrono::minutes(0);
  const bool west = take(text, "-");
  if (!west && !take(text, "+")) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return west ? -offset : offset;
}

std::chrono::seconds local_offset(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return std::chrono::seconds(parts.tm_gmtoff);
}

/// Where clocks go back, the first of the two times that look alike. A time that clocks jump over is as long after the
/// jump as if there were none. (mktime answers by what it was asked before.)
Timestamp local_time(const std::chrono::year_month_day& date, const ClockTime& clock) {
  const std::chrono::sys_seconds shown =
      std::chrono::sys_days(date) + std::chrono::hours(clock.hour) + std::chrono::minutes(clock.minute);
  const auto before = shown - local_offset(shown - std::chrono::days(1));
  const auto after = shown - local_offset(shown + std::chrono::days(1));
  const auto looks_so = [shown](std::chrono::sys_seconds time) { return time + local_offset(time) == shown; };
  const auto minute = looks_so(before) || !looks_so(after) ? before : after;
  return minute + std::chrono::seconds(clock.second) + clock.fraction;
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  if (text.empty()) return local_time(date, {});
  if (!take(text, "T") && !take(text, "t") && !take(text, " ")) return std::nullopt;
  const auto clock = take_clock_time(text);
  if (!clock) return std::nullopt;
  if (text.empty()) return local_time(date, *clock);
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(clock->hour) + std::chrono::minutes(clock->minute) +
         std::chrono::seconds(clock->second) + clock->fraction - *zone;
}

std::optional<Timestamp> parse_epoch(std::string_view text) {
  const bool negative = take(text, "-");
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t most = 100'000'000'000;  // beyond the year 5000
  if (error != std::errc() || text.empty() || text.front() == '-' || seconds > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  Duration since = std::chrono::seconds(seconds);
  if (take(text, ".")) {
    if (text.empty()) return std::nullopt;
    since += take_fraction(text);
  }
  if (!text.empty()) return std::nullopt;
  return Timestamp(negative ? -since : since);
}

/// Digits alone.
std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || stop != text.data() + text.size() || count > most) return std::nullopt;
  return count;
}

template <typename Kind, typename Value>
std::optional<Position> position_of(const std::optional<Value>& value) {
  return value ? std::optional<Position>(Kind{*value}) : std::nullopt;
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

std::optional<Timestamp> parse_time(std::string_view text, Timestamp now) {
  if (text == "now") return now;
  if (take(text, "@")) return parse_epoch(text);
  if (text.starts_with('-') || text.starts_with('+')) {
    const auto offset = parse_duration(text.substr(1));
    if (!offset) return std::nullopt;
    return text.front() == '-' ? now - *offset : now + *offset;
  }
  return parse_rfc3339(text);
}

std::optional<Position> parse_position(std::string_view text, Timestamp now) {
  if (text == "trim-horizon") return TrimHorizon{};
  if (text == "latest") return Latest{};
  if (take(text, "last:")) return position_of<LastRecords>(parse_count(text));
  if (take(text, "at:")) return position_of<AtSequence>(SequenceNumber::parse(text));
  if (take(text, "after:")) return position_of<AfterSequence>(SequenceNumber::parse(text));
  return position_of<AtTime>(parse_time(text, now));
}

std::string to_local_rfc3339(Timestamp time) {
  const std::chrono::seconds offset = local_offset(std::chrono::floor<std::chrono::seconds>(time));
  std::string text = to_rfc3339(time + offset);
  text.pop_back();  // the Z
  const std::int64_t minutes = std::abs(offset.count()) / 60;
  return fmt::format("{}{}{:02}:{:02}", text, offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
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

#include "tools/common/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

template <typename Belongs>
std::string_view take_while(std::string_view& text, Belongs belongs) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), belongs);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

/// Exactly `digits` digits at the start of `text`, which they are taken from.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !std::all_of(text.begin(), text.begin() + digits, is_digit)) return std::nullopt;
  int number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  text.remove_prefix(digits);
  return number;
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

// --- what the local zone says --------------------------------------------------------------------------------------

struct LocalZone {
  std::chrono::seconds offset;
  std::string name;
};

LocalZone local_zone_at(sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return {std::chrono::seconds(parts.tm_gmtoff), parts.tm_zone};
}

/// Where clocks go back, the first of the two times that look alike. A time that clocks jump over is as long after the
/// jump as if there were none. (mktime answers by what it was asked before.)
sys_seconds from_local(sys_seconds shown) {
  const auto before = shown - local_zone_at(shown - days(1)).offset;
  const auto after = shown - local_zone_at(shown + days(1)).offset;
  const auto looks_so = [shown](sys_seconds time) { return time + local_zone_at(time).offset == shown; };
  return looks_so(before) || !looks_so(after) ? before : after;
}

/// By a name such as CET, which the local zone has about that time, or half a year before or after.
std::optional<sys_seconds> from_named(sys_seconds shown, std::string_view name) {
  for (const days distance : {days(-1), days(1), days(-182), days(182)}) {
    const LocalZone zone = local_zone_at(shown + distance);
    if (zone.name == name) return shown - zone.offset;
  }
  return std::nullopt;
}

// --- the parts of a moment -----------------------------------------------------------------------------------------

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
    if (text.size() > 1 && (text[0] == '.' || text[0] == ',') && is_digit(text[1])) {  // date -Ins has a comma
      text.remove_prefix(1);
      result.fraction = take_fraction(text);
    }
  }
  if (result.hour > 23 || result.minute > 59 || result.second > 60) return std::nullopt;
  return result;
}

/// The offset of a zone: Z, +hh:mm, +hhmm or +hh, and with - to the west.
std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  const bool west = take(text, "-");
  if (!west && !take(text, "+")) return std::nullopt;
  const auto hours = take_digits(text, 2);
  std::optional<int> minutes = 0;
  if (!text.empty()) {
    take(text, ":");
    minutes = take_digits(text, 2);
  }
  if (!hours || !minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return west ? -offset : offset;
}

/// Which of the names, given by their first three letters, a word is: those letters, or the whole name in `wholes`.
template <std::size_t Size>
std::optional<unsigned> place_in(std::string_view word, const std::array<std::string_view, Size>& names) {
  for (unsigned i = 0; i < Size; ++i) {
    if (word == names[i] || word == names[i].substr(0, 3)) return i;
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

/// Collects the words of a moment, in any order, each kind once.
class Moment {
 public:
  explicit Moment(Timestamp now) : now_(std::chrono::floor<std::chrono::seconds>(now)) {}

  /// False where the word is none, or a second one of its kind.
  bool add(std::string_view word) {
    if (const auto day = place_in(word, weekdays)) return set(weekday_, std::chrono::weekday(*day));
    if (const auto month = place_in(word, months)) return set(month_, std::chrono::month(*month + 1));
    if (word == "AM" || word == "PM") return set(afternoon_, word == "PM");
    for (const auto& [name, distance] : {std::pair("today", 0), std::pair("yesterday", -1), std::pair("tomorrow", 1)}) {
      if (word == name) return set(date_, year_month_day(today() + days(distance)));
    }
    if (is_digit(word.front())) return add_number(word);
    if (const auto offset = parse_offset(word)) return set(offset_, *offset);
    if (word == "UTC" || word == "GMT") return set(offset_, std::chrono::minutes(0));
    return std::all_of(word.begin(), word.end(), is_letter) && set(zone_name_, std::string(word));
  }

  [[nodiscard]] std::optional<Timestamp> time() const {
    const auto date = whole_date();
    const auto clock = whole_clock();
    if (!date || !date->ok() || !clock || (offset_ && zone_name_)) return std::nullopt;
    if (!clock_ && (offset_ || zone_name_)) return std::nullopt;
    if (weekday_ && *weekday_ != std::chrono::weekday(sys_days(*date))) return std::nullopt;
    const sys_seconds shown = sys_days(*date) + std::chrono::hours(clock->hour) + std::chrono::minutes(clock->minute);
    const auto minute = offset_      ? std::optional(sys_seconds(shown - *offset_))
                        : zone_name_ ? from_named(shown, *zone_name_)
                                     : std::optional(from_local(shown));
    if (!minute) return std::nullopt;
    return *minute + std::chrono::seconds(clock->second) + clock->fraction;
  }

 private:
  template <typename Part>
  static bool set(std::optional<Part>& part, const Part& value) {
    if (part) return false;
    part = value;
    return true;
  }

  /// A date, a time of day, both with a T between them, a year, or a day.
  bool add_number(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon == 2) return add_clock(word);
    if (word.size() > 4 && word[4] == '-') return add_date(word);
    const bool digits = std::all_of(word.begin(), word.end(), is_digit);
    if (digits && word.size() == 4) return set(year_, *take_digits(word, 4));
    return digits && word.size() <= 2 && set(day_, *take_digits(word, word.size()));
  }

  bool add_date(std::string_view word) {
    const auto year = take_digits(word, 4);
    if (!year || !take(word, "-")) return false;
    const auto month = take_digits(word, 2);
    if (!month || !take(word, "-")) return false;
    const auto day = take_digits(word, 2);
    if (!day) return false;
    const year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || !set(date_, date)) return false;
    return word.empty() || ((take(word, "T") || take(word, "t")) && add_clock(word));
  }

  /// With a zone at its end or without.
  bool add_clock(std::string_view word) {
    const auto clock = take_clock_time(word);
    if (!clock || !set(clock_, *clock)) return false;
    if (word.empty()) return true;
    const auto offset = parse_offset(word);
    return offset && set(offset_, *offset);
  }

  [[nodiscard]] std::optional<ClockTime> whole_clock() const {
    if (!clock_) return afternoon_ ? std::nullopt : std::optional(ClockTime{});
    ClockTime clock = *clock_;
    if (!afternoon_) return clock;
    if (clock.hour < 1 || clock.hour > 12) return std::nullopt;
    clock.hour = clock.hour % 12 + (*afternoon_ ? 12 : 0);
    return clock;
  }

  [[nodiscard]] std::optional<year_month_day> whole_date() const {
    if (date_) return month_ || day_ || year_ ? std::nullopt : date_;
    if (!month_ && !day_ && !year_) return clock_ && !weekday_ ? std::optional(year_month_day(today())) : std::nullopt;
    if (!month_ || !day_) return std::nullopt;
    const auto in = [this](std::chrono::year year) {
      return year_month_day(year, *month_, std::chrono::day(static_cast<unsigned>(*day_)));
    };
    if (year_) return in(std::chrono::year(*year_));
    const std::chrono::year this_year = year_month_day(today()).year();
    const year_month_day date = in(this_year);
    return date.ok() && sys_days(date) <= today() + days(1) ? date : in(this_year - std::chrono::years(1));
  }

  /// In the zone of the moment, as far as it is known.
  [[nodiscard]] sys_days today() const {
    const std::chrono::seconds offset = offset_ ? *offset_ : local_zone_at(now_).offset;
    return std::chrono::floor<days>(now_ + offset);
  }

  sys_seconds now_;
  std::optional<std::chrono::weekday> weekday_;
  std::optional<year_month_day> date_;
  std::optional<std::chrono::month> month_;
  std::optional<int> day_;
  std::optional<int> year_;
  std::optional<ClockTime> clock_;
  std::optional<bool> afternoon_;
  std::optional<std::chrono::minutes> offset_;
  std::optional<std::string> zone_name_;
};

/// The words of a text between runs of blanks; a comma may follow one. None where a blank is at an end.
std::vector<std::string_view> words_of(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return {};
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    words.push_back(word.ends_with(',') && word.size() > 1 ? word.substr(0, word.size() - 1) : word);
  }
  return words;
}

std::optional<Timestamp> parse_moment(std::string_view text, Timestamp now) {
  Moment moment(now);
  const auto words = words_of(text);
  if (words.empty()) return std::nullopt;
  for (const std::string_view word : words) {
    if (!moment.add(word)) return std::nullopt;
  }
  return moment.time();
}

// --- other forms ---------------------------------------------------------------------------------------------------

/// Seconds, or where the number is too large for them, thousandths, millionths or billionths.
std::optional<Timestamp> parse_epoch(std::string_view text) {
  constexpr std::int64_t most = 100'000'000'000;  // as seconds beyond the year 5000, as milliseconds in 1973
  const bool negative = take(text, "-");
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.empty() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  std::int64_t parts = 1;  // of a second
  for (std::int64_t limit = most; number > limit; limit *= 1000) {
    parts *= 1000;
    if (parts == 1'000'000'000) break;
  }
  Duration since(parts <= 1'000'000 ? number * (1'000'000 / parts) : number / (parts / 1'000'000));
  if (take(text, ".")) {
    if (text.empty()) return std::nullopt;
    since += take_fraction(text) / parts;
  }
  if (!text.empty()) return std::nullopt;
  return Timestamp(negative ? -since : since);
}

/// A duration, or "10 minutes" and "1 hour 30 min".
std::optional<Duration> parse_span(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> units{{{"sec", "s"},
                                                                                 {"second", "s"},
                                                                                 {"seconds", "s"},
                                                                                 {"min", "m"},
                                                                                 {"minute", "m"},
                                                                                 {"minutes", "m"},
                                                                                 {"hr", "h"},
                                                                                 {"hour", "h"},
                                                                                 {"hours", "h"},
                                                                                 {"day", "d"},
                                                                                 {"days", "d"},
                                                                                 {"week", "w"},
                                                                                 {"weeks", "w"},
                                                                                 {"msec", "ms"}}};
  if (text.empty() || text.back() == ' ') return std::nullopt;
  std::string compact;
  while (!text.empty()) {
    const std::string_view number = take_while(text, [](char c) { return is_digit(c) || c == '.'; });
    take(text, " ");
    const std::string_view word = take_while(text, is_letter);
    if (number.empty() || (word.empty() && !text.empty())) return std::nullopt;
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [word](const auto& known) { return known.first == word; });
    compact += number;
    compact += unit == units.end() ? word : unit->second;
    take(text, " ");
  }
  return parse_duration(compact);
}

/// -10m, +1h, 10m, 10m ago.
std::optional<Timestamp> parse_relative(std::string_view text, Timestamp now) {
  const bool after = take(text, "+");
  const bool before = !after && take(text, "-");
  constexpr std::string_view ago = " ago";
  if (!after && !before && text.ends_with(ago)) text.remove_suffix(ago.size());
  const bool has_unit = std::any_of(text.begin(), text.end(), is_letter);
  const auto distance = parse_span(text);
  if (!distance || (!after && !before && !has_unit)) return std::nullopt;
  return after ? now + *distance : now - *distance;
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text, Timestamp now) {
  constexpr std::size_t shortest_bare_epoch = 10;
  if (text == "now") return now;
  if (take(text, "@")) return parse_epoch(text);
  if (const auto time = parse_relative(text, now)) return time;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits >= shortest_bare_epoch) return parse_epoch(text);
  return parse_moment(text, now);
}

std::string to_local_rfc3339(Timestamp time) {
  const std::chrono::seconds offset = local_zone_at(std::chrono::floor<std::chrono::seconds>(time)).offset;
  std::string text = to_rfc3339(time + offset);
  text.pop_back();  // the Z
  const std::int64_t minutes = std::abs(offset.count()) / 60;
  return fmt::format("{}{}{:02}:{:02}", text, offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace shardlog::cli

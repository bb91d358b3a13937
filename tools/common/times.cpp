#include "tools/common/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/scan.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

/// Takes exactly `digits` digits off the start of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !is_digit(text.front())) return std::nullopt;
  return parse_number<int>(take_first(text, digits));
}

/// Takes the digits after a point off the start of `text`, and returns their microseconds.
Duration take_fraction(std::string_view& text) {
  constexpr std::size_t shown = 6;
  std::string digits(take_while(text, is_digit));
  digits.resize(shown, '0');
  return Duration(*parse_number<std::int64_t>(digits));
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

/// If clocks go back, two times look alike, and this is the first of them. A time that clocks jump over is taken as if
/// they had not jumped. (The answer of mktime depends on what it was asked before.)
sys_seconds from_local(sys_seconds shown) {
  const auto before = shown - local_zone_at(shown - days(1)).offset;
  const auto after = shown - local_zone_at(shown + days(1)).offset;
  const auto looks_so = [shown](sys_seconds time) { return time + local_zone_at(time).offset == shown; };
  return looks_so(before) || !looks_so(after) ? before : after;
}

/// The same for a zone that has a name, such as CET. The result is empty unless the local zone has that name about that
/// time, or half a year before or after.
std::optional<sys_seconds> from_named(sys_seconds shown, std::string_view name) {
  for (const days distance : {days(-1), days(1), days(-182), days(182)}) {
    const LocalZone zone = local_zone_at(shown + distance);
    if (zone.name == name) return shown - zone.offset;
  }
  return std::nullopt;
}

// --- the parts of a moment -----------------------------------------------------------------------------------------

/// A time of day, since midnight.
std::optional<Duration> take_clock_time(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  const bool has_second = take(text, ":");
  const auto second = has_second ? take_digits(text, 2) : std::optional(0);
  if (!minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  Duration result = std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  const bool has_point = text.starts_with('.') || text.starts_with(',');  // a comma: date -Ins
  if (has_second && has_point && text.size() > 1 && is_digit(text[1])) {
    text.remove_prefix(1);
    result += take_fraction(text);
  }
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

/// Which of the names a word is: in full, or its first three letters.
template <std::size_t Size>
std::optional<unsigned> index_in(std::string_view word, const std::array<std::string_view, Size>& names) {
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

  /// False if the word is not part of a moment, or is the second of its kind.
  bool add(std::string_view word) {
    if (const auto day = index_in(word, weekdays)) return set(weekday_, std::chrono::weekday(*day));
    if (const auto month = index_in(word, months)) return set(month_, std::chrono::month(*month + 1));
    if (word == "AM" || word == "PM") return set(afternoon_, word == "PM");
    for (const auto& [name, distance] : {std::pair("today", 0), std::pair("yesterday", -1), std::pair("tomorrow", 1)}) {
      if (word == name) return set_date(today() + days(distance));
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
    const auto minutes = std::chrono::floor<std::chrono::minutes>(*clock);
    const sys_seconds shown = sys_days(*date) + minutes;
    const auto time = offset_      ? std::optional(sys_seconds(shown - *offset_))
                      : zone_name_ ? from_named(shown, *zone_name_)
                                   : std::optional(from_local(shown));
    return time ? std::optional(*time + (*clock - minutes)) : std::nullopt;
  }

 private:
  template <typename Part>
  static bool set(std::optional<Part>& part, const Part& value) {
    if (part) return false;
    part = value;
    return true;
  }

  bool set_date(year_month_day date) {
    return set(year_, date.year()) && set(month_, date.month()) && set(day_, date.day());
  }

  /// A date, a time of day, both with a T between them, a year, or a day.
  bool add_number(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon == 2) return add_clock(word);
    if (word.size() > 4 && word[4] == '-') return add_date(word);
    const bool digits = std::all_of(word.begin(), word.end(), is_digit);
    if (digits && word.size() == 4) return set(year_, std::chrono::year(*take_digits(word, 4)));
    return digits && word.size() <= 2 &&
           set(day_, std::chrono::day(static_cast<unsigned>(*take_digits(word, word.size()))));
  }

  bool add_date(std::string_view word) {
    const auto year = take_digits(word, 4);
    if (!year || !take(word, "-")) return false;
    const auto month = take_digits(word, 2);
    if (!month || !take(word, "-")) return false;
    const auto day = take_digits(word, 2);
    if (!day || !set_date(std::chrono::year(*year) / *month / *day)) return false;
    return word.empty() || ((take(word, "T") || take(word, "t")) && add_clock(word));
  }

  /// A zone may follow.
  bool add_clock(std::string_view word) {
    const auto clock = take_clock_time(word);
    if (!clock || !set(clock_, *clock)) return false;
    if (word.empty()) return true;
    const auto offset = parse_offset(word);
    return offset && set(offset_, *offset);
  }

  [[nodiscard]] std::optional<Duration> whole_clock() const {
    constexpr std::chrono::hours noon(12);
    if (!afternoon_) return clock_.value_or(Duration(0));
    if (!clock_) return std::nullopt;
    const auto hour = std::chrono::floor<std::chrono::hours>(*clock_);
    if (hour < std::chrono::hours(1) || hour > noon) return std::nullopt;
    const Duration morning = hour == noon ? *clock_ - noon : *clock_;
    return *afternoon_ ? morning + noon : morning;
  }

  [[nodiscard]] std::optional<year_month_day> whole_date() const {
    if (!month_ && !day_ && !year_) return clock_ && !weekday_ ? std::optional(year_month_day(today())) : std::nullopt;
    if (!month_ || !day_) return std::nullopt;
    if (year_) return *year_ / *month_ / *day_;
    const std::chrono::year this_year = year_month_day(today()).year();
    const year_month_day date = this_year / *month_ / *day_;
    return date.ok() && sys_days(date) <= today() + days(1) ? date
                                                            : (this_year - std::chrono::years(1)) / *month_ / *day_;
  }

  /// In the zone of the moment, if that is known by now, else in the local one.
  [[nodiscard]] sys_days today() const {
    const std::chrono::seconds offset = offset_ ? *offset_ : local_zone_at(now_).offset;
    return std::chrono::floor<days>(now_ + offset);
  }

  sys_seconds now_;
  std::optional<std::chrono::weekday> weekday_;
  std::optional<std::chrono::month> month_;
  std::optional<std::chrono::day> day_;
  std::optional<std::chrono::year> year_;
  std::optional<Duration> clock_;
  std::optional<bool> afternoon_;
  std::optional<std::chrono::minutes> offset_;
  std::optional<std::string> zone_name_;
};

/// The words of a text between runs of blanks, without a comma at their ends. Empty if a blank is at an end of the
/// text.
std::vector<std::string_view> words_of(std::string_view text) {
  if (text.starts_with(' ') || text.ends_with(' ')) return {};
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = take_while(text, [](char c) { return c != ' '; });
    take_while(text, [](char c) { return c == ' '; });
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

/// Seconds, or if the number is too large for them, thousandths, millionths or billionths.
std::optional<Timestamp> parse_epoch(std::string_view text) {
  constexpr std::int64_t most = 100'000'000'000;  // as seconds beyond the year 5000, as milliseconds in 1973
  const bool negative = take(text, "-");
  const auto number = parse_number<std::int64_t>(take_while(text, is_digit));
  if (!number) return std::nullopt;
  std::int64_t parts = 1;  // of a second
  for (std::int64_t limit = most; *number > limit; limit *= 1000) {
    parts *= 1000;
    if (parts == 1'000'000'000) break;
  }
  Duration since(parts <= 1'000'000 ? *number * (1'000'000 / parts) : *number / (parts / 1'000'000));
  if (take(text, ".")) {
    if (text.empty()) return std::nullopt;
    since += take_fraction(text) / parts;
  }
  if (!text.empty()) return std::nullopt;
  return Timestamp(negative ? -since : since);
}

/// A duration, or "10 minutes" and "1 hour 30 min".
std::optional<Duration> parse_span(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> units{{{"sec", "s"},
                                                                                {"second", "s"},
                                                                                {"min", "m"},
                                                                                {"minute", "m"},
                                                                                {"hr", "h"},
                                                                                {"hour", "h"},
                                                                                {"day", "d"},
                                                                                {"week", "w"},
                                                                                {"msec", "ms"}}};
  if (text.empty() || text.back() == ' ') return std::nullopt;
  std::string compact;
  while (!text.empty()) {
    const std::string_view number = take_while(text, [](char c) { return is_digit(c) || c == '.'; });
    take(text, " ");
    const std::string_view word = take_while(text, is_letter);
    if (number.empty() || (word.empty() && !text.empty())) return std::nullopt;
    const std::string_view one = word.size() > 2 && word.ends_with('s') ? word.substr(0, word.size() - 1) : word;
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [one](const auto& known) { return known.first == one; });
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
  std::string_view rest = text;
  if (take_while(rest, is_digit).size() >= shortest_bare_epoch) return parse_epoch(text);
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

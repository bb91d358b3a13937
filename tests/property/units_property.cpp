#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <string>

#include "support/time_zone.h"
#include "tools/common/positions.h"
#include "tools/common/times.h"
#include "tools/common/units.h"

namespace shardlog::cli {
namespace {

constexpr std::uint64_t largest_size = 9'223'372'036'854'775'807;

/// Below `limit`, and as often small as large.
std::uint64_t any_number(std::uint64_t limit) {
  const auto number = *rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(0, 64);
  return number % limit;
}

const std::map<std::string, std::uint64_t> size_units{{"", 1},
                                                      {"B", 1},
                                                      {"k", 1ULL << 10},
                                                      {"KiB", 1ULL << 10},
                                                      {"M", 1ULL << 20},
                                                      {"MiB", 1ULL << 20},
                                                      {"G", 1ULL << 30},
                                                      {"GiB", 1ULL << 30},
                                                      {"kB", 1000},
                                                      {"MB", 1'000'000},
                                                      {"GB", 1'000'000'000}};

RC_GTEST_PROP(SizeProperty, AWholeNumberIsThatManyUnits, ()) {
  const auto [name, unit] = *rc::gen::elementOf(size_units);
  const std::uint64_t number = any_number(largest_size / unit + 1);
  RC_ASSERT((parse_size(std::to_string(number) + name) == number * unit));
}

RC_GTEST_PROP(SizeProperty, OneOverTheLargestIsRefusedInEveryUnit, ()) {
  const auto [name, unit] = *rc::gen::elementOf(size_units);
  const std::uint64_t over = largest_size / unit + 1;
  const std::uint64_t number = over + any_number(~std::uint64_t{0} - over);
  RC_ASSERT(!parse_size(std::to_string(number) + name));
}

RC_GTEST_PROP(SizeProperty, ThousandthsOfAKilobyteAreBytes, ()) {
  const std::uint64_t bytes = any_number(largest_size);
  RC_ASSERT((parse_size(fmt::format("{}.{:03}kB", bytes / 1000, bytes % 1000)) == bytes));
}

RC_GTEST_PROP(SizeProperty, GrowsWithItsNumber, ()) {
  const auto [name, unit] = *rc::gen::elementOf(size_units);
  const std::uint64_t number = any_number(largest_size / unit);
  RC_ASSERT(parse_size(std::to_string(number) + name).value() < parse_size(std::to_string(number + 1) + name).value());
}

// Four characters show three digits at least, but for those after the point of a number below 10.
RC_GTEST_PROP(FormatSizeProperty, IsNearTheNumber, ()) {
  const std::uint64_t bytes = any_number(~std::uint64_t{0});
  const std::string text = format_size(bytes);
  const std::map<std::string, int> powers{{"B", 0},    {"KiB", 10}, {"MiB", 20}, {"GiB", 30},
                                          {"TiB", 40}, {"PiB", 50}, {"EiB", 60}};
  const std::size_t space = text.find(' ');
  RC_ASSERT(space <= 4U);
  const double shown = std::ldexp(std::stod(text.substr(0, space)), powers.at(text.substr(space + 1)));
  RC_ASSERT(std::abs(shown - static_cast<double>(bytes)) <= 0.05 * static_cast<double>(bytes));
}

RC_GTEST_PROP(FormatCountProperty, IsTheNumberWithCommas, ()) {
  const auto count = *rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(0, 64);
  std::string text = format_count(count);
  for (std::size_t i = 0; i < text.size(); ++i) RC_ASSERT((text[i] == ',') == ((text.size() - i) % 4 == 0));
  text.erase(std::remove(text.begin(), text.end(), ','), text.end());
  RC_ASSERT(text == std::to_string(count));
}

const std::map<std::string, std::int64_t> duration_units{{"us", 1},
                                                         {"ms", 1000},
                                                         {"s", 1'000'000},
                                                         {"m", 60'000'000},
                                                         {"h", 3'600'000'000},
                                                         {"d", 86'400'000'000},
                                                         {"w", 604'800'000'000}};

RC_GTEST_PROP(DurationProperty, IsTheSumOfItsParts, ()) {
  std::string text;
  std::int64_t sum = 0;
  for (int parts = *rc::gen::inRange(1, 6); parts > 0; --parts) {
    const auto [name, unit] = *rc::gen::elementOf(duration_units);
    const auto number = *rc::gen::inRange<std::int64_t>(0, 1000);
    text += std::to_string(number) + name;
    sum += number * unit;
  }
  RC_ASSERT((parse_duration(text) == Duration(sum)));
}

RC_GTEST_PROP(DurationProperty, MillionthsOfASecondAreMicroseconds, ()) {
  const std::uint64_t microseconds = any_number(3'200'000'000'000'001);
  RC_ASSERT((parse_duration(fmt::format("{}us", microseconds)) == Duration(microseconds)));
  RC_ASSERT((parse_duration(fmt::format("{}.{:06}s", microseconds / 1'000'000, microseconds % 1'000'000)) ==
             Duration(microseconds)));
}

RC_GTEST_PROP(DurationProperty, EveryLongerOneIsRefused, ()) {
  const std::uint64_t most = 3'200'000'000'000'000;
  RC_ASSERT(!parse_duration(fmt::format("{}us", most + 1 + any_number(~std::uint64_t{0} - most - 1))));
}

/// In the years 1 to 9998, so that every zone's is of four digits.
Timestamp any_time() {
  const auto seconds = *rc::gen::inRange<std::int64_t>(-62'135'596'800, 253'370'764'800);
  return Timestamp(std::chrono::seconds(seconds) + Duration(*rc::gen::inRange(0, 1'000'000)));
}

RC_GTEST_PROP(TimeProperty, ParsesWhatIsPrinted, ()) {
  const Timestamp time = any_time();
  RC_ASSERT((parse_time(to_rfc3339(time), {}) == time));
}

RC_GTEST_PROP(TimeProperty, AnOffsetIsTakenOff, ()) {
  const Timestamp time = any_time();
  const int minutes = *rc::gen::inRange(-1439, 1440);
  std::string text = to_rfc3339(time + std::chrono::minutes(minutes));
  text.back() = minutes < 0 ? '-' : '+';
  text += fmt::format("{:02}:{:02}", std::abs(minutes) / 60, std::abs(minutes) % 60);
  RC_ASSERT((parse_time(text, {}) == time));
}

RC_GTEST_PROP(TimeProperty, SinceTheEpoch, ()) {
  constexpr std::int64_t farthest = 100'000'000'000'000'000;
  const std::int64_t microseconds = any_time().time_since_epoch().count() % farthest;
  const std::int64_t distance = std::abs(microseconds);
  const std::string text =
      fmt::format("@{}{}.{:06}", microseconds < 0 ? "-" : "", distance / 1'000'000, distance % 1'000'000);
  RC_ASSERT((parse_time(text, {}) == Timestamp(Duration(microseconds))));
}

RC_GTEST_PROP(TimeProperty, BeforeAndAfterNow, ()) {
  const Timestamp now = any_time();
  const std::uint64_t distance = any_number(3'200'000'000'000'000);
  RC_ASSERT((parse_time(fmt::format("-{}us", distance), now) == now - Duration(distance)));
  RC_ASSERT((parse_time(fmt::format("+{}us", distance), now) == now + Duration(distance)));
}

std::string local_text(std::time_t seconds) {
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// From 1920 on: before, clocks were off by seconds.
RC_GTEST_PROP(LocalTimeProperty, IsWhatClocksShowThereAndTheFirst, ()) {
  const test::TimeZone here(*rc::gen::element<std::string>("Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                                           "Pacific/Apia", "Asia/Kathmandu", "Europe/Moscow", "UTC"));
  const auto seconds = *rc::gen::inRange<std::int64_t>(-1'577'923'200, 4'102'444'800);
  const std::string text = local_text(seconds);
  const auto parsed = parse_time(text, {});
  RC_ASSERT(parsed.has_value());
  const std::int64_t found = parsed->time_since_epoch().count() / 1'000'000;
  RC_ASSERT(local_text(found) == text);
  RC_ASSERT(found <= seconds);
}

/// Letters of the texts above, in no order.
RC_GTEST_PROP(UnitsProperty, AnyTextIsRefusedOrWithinTheLimits, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.-+:@TZ kMGiBusmhdw%x")));
  if (const auto size = parse_size(text)) RC_ASSERT(*size <= largest_size);
  if (const auto duration = parse_duration(text)) {
    RC_ASSERT(*duration >= Duration(0));
    RC_ASSERT(*duration <= std::chrono::seconds(3'200'000'000));
  }
  if (const auto percent = parse_percent(text)) {
    RC_ASSERT(*percent > 0);
    RC_ASSERT(*percent <= 100);
  }
  if (const auto speed = parse_speed(text)) RC_ASSERT(*speed > 0);
  (void)parse_position(text, {});
}

}  // namespace
}  // namespace shardlog::cli

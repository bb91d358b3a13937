#include "tools/stream-stats/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "tools/common/json_text.h"
#include "tools/common/times.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

std::string duration_text(Duration duration) {
  constexpr std::array<std::pair<microseconds, const char*>, 6> units{{{hours(24), "d"},
                                                                       {hours(1), "h"},
                                                                       {minutes(1), "m"},
                                                                       {seconds(1), "s"},
                                                                       {milliseconds(1), "ms"},
                                                                       {microseconds(1), "us"}}};
  std::string text;
  for (const auto& [unit, name] : units) {
    if (duration >= unit) text += fmt::format("{}{}{}", text.empty() ? "" : " ", duration / unit, name);
    duration %= unit;
  }
  return text;
}

std::string age_text(Duration age) {
  constexpr std::array<Duration, 4> steps{hours(24), hours(1), minutes(1), seconds(1)};
  // The largest unit that it has, and the one below.
  const auto* const largest = std::find_if(steps.begin(), steps.end(), [age](Duration unit) { return age >= unit; });
  const Duration step = largest == steps.end() ? milliseconds(1) : *std::min(largest + 1, steps.end() - 1);
  return age < step ? "0s" : duration_text(age - age % step);
}

std::string short_time(Timestamp time, Timestamp now) {
  const auto local = [](Timestamp at) {
    const std::time_t since_epoch = std::chrono::system_clock::to_time_t(at);
    std::tm result{};
    ::localtime_r(&since_epoch, &result);
    return result;
  };
  const std::tm at = local(time);
  const std::tm today = local(now);
  if (at.tm_year == today.tm_year && at.tm_yday == today.tm_yday) {
    return fmt::format("{:02}:{:02}:{:02}", at.tm_hour, at.tm_min, at.tm_sec);
  }
  return fmt::format("{:04}-{:02}-{:02}", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday);
}

std::string shard_text(ShardId shard, std::size_t width) {
  constexpr std::size_t wide = 140;
  return width >= wide ? shard.to_string() : std::to_string(shard.number());
}

std::string json_string(const std::string& text) {
  std::string result;
  append_json_text(result, text);  // what is stored may be anything
  return result;
}

std::string count_text(const std::optional<std::uint64_t>& count) {
  return count ? format_count(*count) : "-";
}

std::string count_text(const std::optional<std::uint64_t>& count, std::string_view one) {
  return count ? format_count(*count, one) : fmt::format("unknown {}s", one);
}

std::string size_text(const std::optional<std::uint64_t>& size) {
  return size ? format_size(*size) : "-";
}

std::string json_count(const std::optional<std::uint64_t>& count) {
  return count ? std::to_string(*count) : "null";
}

std::string loss_text(const Loss& loss) {
  return fmt::format("{}, accepted {}", format_count(loss.records, "record"), to_local_rfc3339(loss.accepted_at));
}

std::string json_seconds(Duration duration) {
  const auto whole = std::chrono::floor<seconds>(duration);
  const Duration fraction = duration - whole;
  return fraction == Duration(0) ? fmt::format("{}", whole.count())
                                 : fmt::format("{}.{:06}", whole.count(), fraction.count());
}

}  // namespace shardlog::cli

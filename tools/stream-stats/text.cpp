#include "tools/stream-stats/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "tools/common/times.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::array<std::pair<Duration, const char*>, 6> units{{{std::chrono::hours(24), "d"},
                                                                 {std::chrono::hours(1), "h"},
                                                                 {std::chrono::minutes(1), "m"},
                                                                 {std::chrono::seconds(1), "s"},
                                                                 {std::chrono::milliseconds(1), "ms"},
                                                                 {Duration(1), "us"}}};

}  // namespace

std::string duration_text(Duration duration) {
  std::string text;
  for (const auto& [unit, name] : units) {
    if (duration >= unit) text += fmt::format("{}{}{}", text.empty() ? "" : " ", duration / unit, name);
    duration %= unit;
  }
  return text;
}

std::string age_text(Duration age) {
  const auto* const seconds = &units[3];
  const auto* const largest =
      std::find_if(units.begin(), seconds + 1, [age](const auto& unit) { return age >= unit.first; });
  const Duration step = largest > seconds ? std::chrono::milliseconds(1) : std::min(largest + 1, seconds)->first;
  return age < step ? "0s" : duration_text(age - age % step);
}

std::string latency_text(Duration latency) {
  constexpr double milliseconds = 1e3;
  constexpr double seconds = 1e6;
  const auto of = [](double value, const char* unit) {
    constexpr double least_whole = 9.95;
    return value < least_whole ? fmt::format("{:.1f} {}", value, unit) : fmt::format("{:.0f} {}", value, unit);
  };
  const auto microseconds = static_cast<double>(latency.count());
  if (latency == Duration(0)) return "0 ms";
  if (latency < std::chrono::microseconds(100)) return fmt::format("{} us", latency.count());
  if (latency < std::chrono::milliseconds(1000)) return of(microseconds / milliseconds, "ms");
  return latency < std::chrono::minutes(1) ? of(microseconds / seconds, "s") : age_text(latency);
}

std::string short_time(Timestamp time, Timestamp now) {
  const std::string at = to_local_rfc3339(time);
  const std::size_t date_end = at.find('T');
  const std::string date = at.substr(0, date_end);
  return to_local_rfc3339(now).starts_with(date + "T") ? at.substr(date_end + 1, 8) : date;
}

std::string shard_text(ShardId shard, std::size_t width) {
  constexpr std::size_t wide = 140;
  return width >= wide ? shard.to_string() : std::to_string(shard.number());
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

std::string loss_text(const Loss& loss) {
  return fmt::format("{}, accepted {}", format_count(loss.records, "record"), to_local_rfc3339(loss.accepted_at));
}

std::string json_seconds(Duration duration) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
  const Duration fraction = duration - whole;
  return fraction == Duration(0) ? fmt::format("{}", whole.count())
                                 : fmt::format("{}.{:06}", whole.count(), fraction.count());
}

}  // namespace shardlog::cli

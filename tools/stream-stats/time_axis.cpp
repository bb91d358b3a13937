#include "tools/stream-stats/time_axis.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <ctime>

namespace shardlog::cli {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<std::chrono::minutes, 13> distances{
    minutes(1), minutes(2), minutes(5), minutes(10), minutes(15), minutes(30),  hours(1),
    hours(2),   hours(3),   hours(6),   hours(12),   hours(24),   hours(24 * 7)};

std::tm local_time(Timestamp time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

std::string label_of(const std::tm& local) {
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (local.tm_hour != 0 || local.tm_min != 0) return fmt::format("{:02}:{:02}", local.tm_hour, local.tm_min);
  return fmt::format("{} {}", months.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday);
}

/// Whether the local time is a whole multiple of the distance, counted from midnight.
bool is_round(const std::tm& local, std::chrono::minutes distance) {
  const auto passed = hours(local.tm_hour) + minutes(local.tm_min);
  return passed % std::min<minutes>(distance, hours(24)) == minutes(0);
}

}  // namespace

std::vector<Tick> ticks_between(Timestamp from, Timestamp until, std::size_t most) {
  const Duration all = until - from;
  std::chrono::minutes distance = distances.back();
  for (const std::chrono::minutes each : distances) {
    if (all <= each * static_cast<int>(most)) {
      distance = each;
      break;
    }
  }
  std::vector<Tick> ticks;
  // A day of local time may have 23 or 25 hours, so every minute is looked at.
  const auto between = distance >= hours(24) ? distance - hours(2) : distance - minutes(1);
  auto time = std::chrono::ceil<minutes>(from);
  while (time <= until) {
    const std::tm local = local_time(time);
    if (!is_round(local, distance)) {
      time += minutes(1);
      continue;
    }
    const Duration passed = time - from;
    ticks.push_back({static_cast<double>(passed.count()) / static_cast<double>(all.count()), label_of(local)});
    time += std::max(between, minutes(1));
  }
  return ticks;
}

}  // namespace shardlog::cli

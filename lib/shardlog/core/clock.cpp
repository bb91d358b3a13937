#include "shardlog/core/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <fstream>

namespace shardlog {

using std::chrono::duration_cast;
using std::chrono::floor;

namespace {

std::string read_boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

}  // namespace

Duration Clock::since_boot() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return duration_cast<Duration>(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::string Clock::boot() const {
  static const std::string id = read_boot_id();  // it does not change while this process runs
  return id;
}

Timestamp SystemClock::now() const {
  return floor<Duration>(std::chrono::system_clock::now());
}

Duration SystemClock::elapsed() const {
  return duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string to_rfc3339(Timestamp time) {
  constexpr std::int64_t day_length = 86'400'000'000;  // microseconds
  constexpr std::int64_t cycle_days = 146'097;  // the calendar repeats every 400 years; chrono's years have 16 bits
  constexpr std::int64_t cycle_years = 400;
  const auto floor_divide = [](std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  const std::int64_t since_epoch = time.time_since_epoch().count();
  const std::int64_t day = floor_divide(since_epoch, day_length);
  const std::int64_t cycle = floor_divide(day, cycle_days);
  const std::chrono::days day_of_cycle(day - cycle * cycle_days);
  const std::chrono::year_month_day date{std::chrono::sys_days(day_of_cycle)};
  const std::int64_t past_midnight = since_epoch % day_length + (since_epoch % day_length < 0 ? day_length : 0);
  const std::chrono::hh_mm_ss clock{Duration(past_midnight)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", int{date.year()} + cycle * cycle_years,
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), clock.subseconds().count());
}

}  // namespace shardlog

#include "shardlog/core/clock.h"

#include <fmt/format.h>

namespace shardlog {

using std::chrono::duration_cast;
using std::chrono::floor;

Timestamp SystemClock::now() const {
  return floor<Duration>(std::chrono::system_clock::now());
}

Duration SystemClock::elapsed() const {
  return duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string to_rfc3339(Timestamp time) {
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace shardlog

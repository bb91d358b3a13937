#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

/// Values as they are stored, and what is accepted when they are read back. A checksum shows damage, not intent:
/// whoever can write the files can forge one. So numbers that are read from a stream are held to bounds within which
/// our arithmetic cannot overflow. We write nothing outside of them.
namespace shardlog::sqlite {

/// The most that sequence numbers, batch ids and sums of bytes can be: enough for centuries at any speed.
constexpr std::int64_t most_counted = std::numeric_limits<std::int64_t>::max() / 4;

/// Since the epoch.
constexpr std::int64_t microseconds(Timestamp time) {
  return time.time_since_epoch().count();
}

[[noreturn]] inline void throw_corrupt(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

/// Throws corrupt unless `least` <= value <= `most`.
inline std::int64_t stored_number(std::string_view name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw_corrupt(fmt::format("{} is {}, outside of {} to {}", name, value, least, most));
  }
  return value;
}

/// What RFC 3339 can write: the years 0 to 9999.
constexpr Timestamp earliest_stored_time(Duration(-62'167'219'200'000'000));
constexpr Timestamp latest_stored_time(Duration(253'402'300'799'999'999));

/// From microseconds since the epoch. Throws corrupt outside of these years.
inline Timestamp stored_time(std::string_view name, std::int64_t value) {
  return Timestamp(
      Duration(stored_number(name, value, microseconds(earliest_stored_time), microseconds(latest_stored_time))));
}

}  // namespace shardlog::sqlite

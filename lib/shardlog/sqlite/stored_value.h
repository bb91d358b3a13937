#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

/// A checksum shows damage, not intent: whoever can write the files can make one that is right. So numbers that are
/// read from a stream are held to bounds within which our arithmetic cannot overflow. Nothing that we write is outside
/// them.
namespace shardlog::sqlite {

/// Of sequence numbers, batch ids and sums of bytes: centuries at any speed.
constexpr std::int64_t most_counted = std::numeric_limits<std::int64_t>::max() / 4;

/// Throws corrupt unless `least` <= value <= `most`.
inline std::int64_t stored_number(std::string_view name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw Error(ErrorCode::corrupt, fmt::format("{} is {}, outside of {} to {}", name, value, least, most));
  }
  return value;
}

/// The time that so many microseconds since the epoch are. Throws corrupt outside of the years 0 to 9999, beyond which
/// RFC 3339 cannot write it.
inline Timestamp stored_time(std::string_view name, std::int64_t microseconds) {
  constexpr std::int64_t least = -62'167'219'200'000'000;
  constexpr std::int64_t most = 253'402'300'799'999'999;
  return Timestamp(Duration(stored_number(name, microseconds, least, most)));
}

}  // namespace shardlog::sqlite

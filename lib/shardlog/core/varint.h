#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/core/error.h"

/// Numbers below 2^63 as they are stored where most of them are small: in 1 to 9 bytes with seven bits each, the lowest
/// first; all bytes but the last have their highest bit set. So a row for many shards takes a third of what it would
/// with 8 bytes for each number.
namespace shardlog {

namespace varint {
constexpr unsigned bits_a_byte = 7;
constexpr unsigned most_bytes = 9;
constexpr std::uint64_t goes_on = 1U << bits_a_byte;
}  // namespace varint

/// REQUIRES: 0 <= value < 2^63
inline void append_varint(std::string& to, std::uint64_t value) {
  for (; value >= varint::goes_on; value >>= varint::bits_a_byte) to += static_cast<char>(value | varint::goes_on);
  to += static_cast<char>(value);
}

/// Takes one off the start of `from`. Throws corrupt.
inline std::uint64_t take_varint(std::string_view& from) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < varint::most_bytes * varint::bits_a_byte; shift += varint::bits_a_byte) {
    if (from.empty()) throw Error(ErrorCode::corrupt, "cut off");
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    number |= (byte & (varint::goes_on - 1)) << shift;
    if (byte < varint::goes_on) return number;
  }
  throw Error(ErrorCode::corrupt, "a number that is too large");
}

}  // namespace shardlog

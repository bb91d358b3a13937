#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace shardlog {

static_assert(std::endian::native == std::endian::little, "the formats on disk are little-endian and read in place");

/// Reads a number at any address. REQUIRES: sizeof(Number) readable bytes
template <std::integral Number>
Number load(const char* from) {
  Number number{};
  std::memcpy(&number, from, sizeof number);
  return number;
}

/// Writes a number to any address and returns the address after it.
template <std::integral Number>
char* store(char* to, Number number) {
  std::memcpy(to, &number, sizeof number);
  return to + sizeof number;
}

}  // namespace shardlog

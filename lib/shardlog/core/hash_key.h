#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/export.h"

namespace shardlog {

/// A point of the key space, 0 .. 2^128-1 (Kinesis API, "HashKey"). Printed in decimal.
class SHARDLOG_API HashKey {
 public:
  __extension__ using Value = unsigned __int128;
  using Bytes = std::array<unsigned char, 16>;

  constexpr HashKey() = default;
  constexpr explicit HashKey(Value value)
      : high_(static_cast<std::uint64_t>(value >> 64)), low_(static_cast<std::uint64_t>(value)) {}

  /// MD5 of the key's bytes, read as a big-endian number (Kinesis API, "PartitionKey").
  static HashKey of(std::string_view partition_key);

  /// From big-endian bytes.
  static HashKey from_bytes(const Bytes& bytes);

  /// Accepts decimal digits without sign or leading zeros, up to 2^128-1; nullopt for anything else.
  static std::optional<HashKey> parse(std::string_view decimal);

  [[nodiscard]] constexpr Value value() const { return Value{high_} << 64 | low_; }
  [[nodiscard]] Bytes bytes() const;
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(HashKey, HashKey) = default;

 private:
  // A Value would have to begin at a multiple of 16 bytes, and a Record would be longer than a line of the cache.
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

constexpr HashKey max_hash_key{~HashKey::Value{0}};

/// A part of the key space; both ends belong to it.
struct HashRange {
  HashKey first;
  HashKey last;

  [[nodiscard]] constexpr bool contains(HashKey key) const { return first <= key && key <= last; }
  friend bool operator==(const HashRange&, const HashRange&) = default;
};

}  // namespace shardlog

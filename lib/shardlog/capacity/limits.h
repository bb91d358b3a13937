#pragma once

#include <cstdint>
#include <optional>

namespace shardlog::capacity {

/// How much each shard of a stream takes and gives in a second. Absent: no limit. REQUIRES: no limit is 0
struct Limits {
  std::optional<std::uint64_t> write_records{};
  std::optional<std::uint64_t> write_bytes{};  ///< of data and keys
  std::optional<std::uint64_t> read_bytes{};   ///< of data and keys
  std::optional<std::uint64_t> read_calls{};   ///< a call reads what one shard has, up to 10 MiB

  friend bool operator==(const Limits&, const Limits&) = default;
};

/// The limits of a Kinesis shard (Kinesis Data Streams developer guide, "Quotas and limits").
constexpr Limits kinesis_limits() {
  constexpr std::uint64_t mebibyte = 1UL << 20;
  return {.write_records = 1000, .write_bytes = mebibyte, .read_bytes = 2 * mebibyte, .read_calls = 5};
}

}  // namespace shardlog::capacity

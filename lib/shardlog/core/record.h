#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "shardlog/core/hash_key.h"

namespace shardlog {

/// The bounds of Kinesis (API reference, "CreateStream" and "PutRecord"), except the smallest, which is 1 MiB there.
constexpr std::size_t default_max_record_size = 1024UL * 1024;
constexpr std::size_t largest_max_record_size = 10UL * 1024 * 1024;
constexpr std::size_t smallest_max_record_size = 1024;
constexpr std::size_t max_partition_key_characters = 256;

/// A borrowed record: valid as long as the memory that it points into.
struct Record {
  std::string_view data;
  std::optional<std::string_view> key;         ///< 1 to 256 Unicode characters; absent is not the same as empty
  std::optional<HashKey> explicit_hash_key{};  ///< overrides MD5(key)

  /// The bytes that count against the maximum record size and the capacity of a shard.
  [[nodiscard]] std::size_t size() const { return data.size() + (key ? key->size() : 0); }
};

}  // namespace shardlog

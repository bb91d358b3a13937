#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "shardlog/core/bytes.h"
#include "shardlog/core/export.h"

/// How batches are compressed. The numbers are those on disk.
namespace shardlog {

enum class Compression : unsigned char { none = 0, lz4 = 1, zstd = 2 };

/// none, lz4 or zstd; and back, nullopt for any other name.
SHARDLOG_API std::string_view to_string(Compression compression);
SHARDLOG_API std::optional<Compression> parse_compression(std::string_view name);

/// Writes `from`, compressed, to `to` and returns the size; nullopt if it would be over `room` bytes.
/// REQUIRES: a compression other than none
SHARDLOG_API std::optional<std::size_t> compress(Compression compression, std::string_view from, char* to,
                                                 std::size_t room);

/// The inverse of compress(). Throws corrupt if the result is not exactly `size` bytes.
/// REQUIRES: a compression other than none; the caller has checked `size` against its limits
SHARDLOG_API Bytes decompress(Compression compression, std::string_view from, std::size_t size);

}  // namespace shardlog

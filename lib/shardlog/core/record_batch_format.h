#pragma once

#include <cstddef>
#include <cstdint>

/// The layout of a record batch's payload. It is the same on every engine, and never changes on disk; shardlog(5)
/// describes it in words. All numbers are little-endian.
///
///     offset size
///     0      4     magic "SLRB"
///     4      1     format version
///     5      1     codec of the body: 0 none, 1 LZ4 block, 2 Zstandard frame
///     6      2     zero
///     8      4     columns, a bit each: an unknown one is refused below bit 16 and skipped from bit 16 on
///     12     4     record count
///     16     4     size of the body, uncompressed
///     20     4     size of the body as stored
///     24     8     checksum: XXH3-64 of everything from offset 32, with XXH3-64 of bytes 0 to 23 as its seed
///     32     4*n   size of each column present, in the order of the bits
///     32+4*n       body: those columns, compressed as a whole if there is a codec
namespace shardlog::format {

constexpr std::uint32_t magic = 0x42524c53;
constexpr std::uint8_t version = 1;

namespace offset {
constexpr std::size_t magic = 0;
constexpr std::size_t version = 4;
constexpr std::size_t codec = 5;
constexpr std::size_t zero = 6;
constexpr std::size_t columns = 8;
constexpr std::size_t record_count = 12;
constexpr std::size_t body_size = 16;
constexpr std::size_t stored_size = 20;
constexpr std::size_t checksum = 24;
constexpr std::size_t column_sizes = 32;
}  // namespace offset

/// Lengths: a byte with the width (0, 1, 2 or 4), then a number of that width for each record. Width 0 is followed by
/// one 4-byte number, the length of all records.
enum class Column : unsigned {
  data_lengths = 0,
  key_lengths = 1,  ///< 0 for a record without a key; the column is absent if no record has a key
  keys = 2,         ///< one after the other
  explicit_hash_keys =
      3,     ///< a bit for each record, then 16 bytes, big-endian, for each set bit; absent if no bit is set
  data = 4,  ///< of every record in turn, each followed by a newline
};           // 16 is never used: it had a meaning before the first release
constexpr unsigned column_bits = 32;
constexpr unsigned first_optional_column = 16;

constexpr std::size_t max_records = 1UL << 20;
constexpr std::size_t max_body_size = 48UL * 1024 * 1024;

}  // namespace shardlog::format

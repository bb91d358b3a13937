#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/shard_map.h"

/// What Amazon Kinesis writes in a form of its own. Pure.
namespace shardlog::kinesis {

/// What a sequence number of Kinesis contains. Kinesis prints it as one decimal number; in hexadecimal its digits are
///
///     2 | opened: 9 | low digit of the shard: 1 | number: 16 | 00 | arrived: 9 | shard: 8 | 2
///
/// so numbers of one shard are ordered as their records are, and those of a child come after those of its parents,
/// which opened earlier. (mhart/kinesalite, db/index.js, "parseSequence")
struct SequenceNumber {
  std::int64_t opened = 0;   ///< when the shard opened: seconds since the epoch
  std::uint32_t shard = 0;   ///< its number
  std::uint64_t number = 0;  ///< counts the records of the shard
  std::int64_t arrived = 0;  ///< when the record arrived: seconds since the epoch

  friend bool operator==(const SequenceNumber&, const SequenceNumber&) = default;
};

/// The number of the first record of a shard is greater than this one.
constexpr std::uint64_t before_all_records = 0;
/// The largest that can be written: the number with which a closed shard ends.
constexpr std::uint64_t after_all_records = 0x7fff'ffff'ffff'ffff;
/// The first second, in the year 2477, that Kinesis refuses.
constexpr std::int64_t end_of_time = 16'025'175'000;

/// In decimal, 56 digits. Seconds outside 0 to end_of_time - 1 become the nearest of them.
/// REQUIRES: shard < 2^31, number <= after_all_records
std::string to_string(const SequenceNumber& number);

/// Nullopt unless `decimal` is a number of this form. Kinesis' own numbers are, but not those from before 2015.
std::optional<SequenceNumber> parse_sequence_number(std::string_view decimal);

/// SequenceNumber::opened of each shard of a map, in the order of their ids: the second in which it opened, but later
/// than that of each of its parents, even if they opened in the same second.
std::vector<std::int64_t> opened_seconds(const ShardMap& map);

}  // namespace shardlog::kinesis

#include "shardlog/kinesis/sequence_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace shardlog::kinesis {

namespace {

constexpr std::size_t decimal_digits = 56;
constexpr std::uint64_t nine_hex_digits = 0xf'ffff'ffff;
constexpr std::uint64_t ten_to_19 = 10'000'000'000'000'000'000U;
__extension__ using Wide = unsigned __int128;

/// A number of at most 192 bits, the lowest word first.
using Words = std::array<std::uint64_t, 3>;

/// Divides in place, and returns the remainder. A division of 128 bits is slow: one is made for each word at most, and
/// none where the quotient is 0.
std::uint64_t divide(Words& words, std::uint64_t divisor) {
  std::uint64_t rest = 0;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const Wide dividend = Wide{rest} << 64 | *word;
    const auto quotient = dividend < divisor ? 0 : static_cast<std::uint64_t>(dividend / divisor);
    rest = *word - quotient * divisor;  // below the divisor, so its 64 bits are enough
    *word = quotient;
  }
  return rest;
}

/// Nullopt unless it is digits, without a leading zero, of a number below 2^192.
std::optional<Words> words_of_decimal(std::string_view decimal) {
  if (decimal.empty() || decimal.front() == '0' || decimal.size() > 58) return std::nullopt;
  Words words{};
  for (const char digit : decimal) {
    if (digit < '0' || digit > '9') return std::nullopt;
    Wide carry = static_cast<unsigned char>(digit - '0');
    for (std::uint64_t& word : words) {
      carry += Wide{word} * 10;
      word = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    if (carry != 0) return std::nullopt;
  }
  return words;
}

std::int64_t seconds_of(Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::int64_t valid_seconds(std::int64_t seconds) {
  return std::clamp<std::int64_t>(seconds, 0, end_of_time - 1);
}

}  // namespace

std::string to_string(const SequenceNumber& number) {
  const auto opened = static_cast<std::uint64_t>(valid_seconds(number.opened));
  const auto arrived = static_cast<std::uint64_t>(valid_seconds(number.arrived));
  const Wide low = Wide{number.number} << 80 | Wide{arrived} << 36 | Wide{number.shard} << 4 | 2;
  const std::uint64_t high = 2UL << 56 | opened << 20 | std::uint64_t{number.shard % 16} << 16 | number.number >> 48;
  Words words{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(low >> 64), high};
  std::string decimal(decimal_digits, '0');
  for (const std::size_t end : {decimal_digits, decimal_digits - 19, decimal_digits - 38}) {
    std::array<char, 20> part{};
    const std::string_view digits(part.begin(), std::to_chars(part.begin(), part.end(), divide(words, ten_to_19)).ptr);
    digits.copy(decimal.data() + end - digits.size(), digits.size());
  }
  return decimal;
}

std::optional<SequenceNumber> parse_sequence_number(std::string_view decimal) {
  if (decimal.size() != decimal_digits) return std::nullopt;
  const auto words = words_of_decimal(decimal);
  if (!words) return std::nullopt;
  const auto [low, middle, high] = *words;
  if (high >> 56 != 2 || low % 16 != 2) return std::nullopt;
  const std::uint64_t arrived = (middle << 28 | low >> 36) & nine_hex_digits;
  const SequenceNumber number{static_cast<std::int64_t>(high >> 20 & nine_hex_digits),
                              static_cast<std::uint32_t>(low >> 4), high << 48 | middle >> 16,
                              static_cast<std::int64_t>(arrived)};
  const bool is_valid = number.opened < end_of_time && number.arrived < end_of_time && number.shard <= INT32_MAX &&
                        number.number <= after_all_records;
  return is_valid ? std::optional(number) : std::nullopt;
}

std::vector<std::int64_t> opened_seconds(const ShardMap& map) {
  const std::vector<Shard>& shards = map.shards();
  std::vector<std::int64_t> opened;
  opened.reserve(shards.size());
  for (const Shard& shard : shards) {
    std::int64_t seconds = valid_seconds(seconds_of(shard.opened_at));
    for (const ShardId parent : shard.parents()) {
      const auto at = std::lower_bound(shards.begin(), shards.end(), parent,
                                       [](const Shard& each, ShardId id) { return each.id < id; });
      const auto index = static_cast<std::size_t>(at - shards.begin());
      // A parent has a lower id, so it is among those that are done.
      if (index < opened.size() && at->id == parent) seconds = std::max(seconds, opened[index] + 1);
    }
    opened.push_back(seconds);
  }
  return opened;
}

}  // namespace shardlog::kinesis

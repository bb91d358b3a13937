#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/export.h"

namespace shardlog {

/// The number that orders a record in its shard: decimal, up to 129 digits, chosen by the engine (Kinesis API,
/// "SequenceNumber"). Compare sequence numbers of one shard, but never compute with them: some engines leave gaps.
class SHARDLOG_API SequenceNumber {
 public:
  static constexpr std::size_t most_digits = 129;

  explicit SequenceNumber(std::uint64_t value) : digits_(std::to_string(value)) {}

  /// Nullopt unless `decimal` is 0, or 1 to 129 digits without a leading zero.
  static std::optional<SequenceNumber> parse(std::string_view decimal) {
    const bool is_number = !decimal.empty() && decimal.find_first_not_of("0123456789") == std::string_view::npos;
    const bool is_canonical = decimal.size() <= most_digits && (decimal.size() == 1 || !decimal.starts_with('0'));
    return is_number && is_canonical ? std::optional(SequenceNumber(decimal)) : std::nullopt;
  }

  [[nodiscard]] const std::string& to_string() const { return digits_; }

  friend bool operator==(const SequenceNumber&, const SequenceNumber&) = default;
  friend std::strong_ordering operator<=>(const SequenceNumber& a, const SequenceNumber& b) {
    if (const auto by_length = a.digits_.size() <=> b.digits_.size(); by_length != 0) return by_length;
    return a.digits_ <=> b.digits_;
  }

 private:
  explicit SequenceNumber(std::string_view digits) : digits_(digits) {}

  std::string digits_;
};

/// The sequence numbers of the records of one batch, ascending.
class SequenceRun {
 public:
  /// `count` numbers without gaps, starting at `first`.
  static SequenceRun dense(std::uint64_t first, std::size_t count) { return {first, count}; }

  explicit SequenceRun(std::vector<SequenceNumber> numbers) : count_(numbers.size()), numbers_(std::move(numbers)) {}

  [[nodiscard]] std::size_t size() const { return count_; }
  /// REQUIRES: index < size()
  [[nodiscard]] SequenceNumber operator[](std::size_t index) const {
    return numbers_.empty() ? SequenceNumber(first_ + index) : numbers_[index];
  }
  /// REQUIRES: size() > 0
  [[nodiscard]] SequenceNumber last() const { return (*this)[count_ - 1]; }

 private:
  SequenceRun(std::uint64_t first, std::size_t count) : first_(first), count_(count) {}

  std::uint64_t first_ = 0;
  std::size_t count_;
  std::vector<SequenceNumber> numbers_;  ///< empty if they are dense
};

}  // namespace shardlog

#include "shardlog/core/sequence_number.h"

#include <algorithm>

namespace shardlog {

std::optional<SequenceNumber> SequenceNumber::parse(std::string_view decimal) {
  constexpr std::size_t most_digits = 129;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (decimal.empty() || decimal.size() > most_digits) return std::nullopt;
  if (decimal.size() > 1 && decimal.front() == '0') return std::nullopt;
  if (!std::all_of(decimal.begin(), decimal.end(), is_digit)) return std::nullopt;
  return SequenceNumber(decimal);
}

}  // namespace shardlog

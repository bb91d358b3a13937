#include "shardlog/core/sequence_number.h"

namespace shardlog {

std::optional<SequenceNumber> SequenceNumber::parse(std::string_view decimal) {
  constexpr std::size_t most_digits = 129;
  if (decimal.empty() || decimal.size() > most_digits) return std::nullopt;
  if (decimal.size() > 1 && decimal.front() == '0') return std::nullopt;
  if (decimal.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return SequenceNumber(decimal);
}

}  // namespace shardlog

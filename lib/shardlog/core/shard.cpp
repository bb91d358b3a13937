#include "shardlog/core/shard.h"

#include <fmt/format.h>

#include "shardlog/core/numbers.h"

namespace shardlog {

namespace {
constexpr std::string_view prefix = "shardId-";
constexpr std::size_t written_digits = 12;
}  // namespace

std::optional<ShardId> ShardId::parse(std::string_view text) {
  const bool written = text.starts_with(prefix);
  if (written) text.remove_prefix(prefix.size());
  if (written && text.size() != written_digits) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(text);
  return number ? std::optional(ShardId(*number)) : std::nullopt;
}

std::string ShardId::to_string() const {
  const fmt::format_int digits(number_);
  std::string text(prefix);
  text.append(written_digits - digits.size(), '0').append(digits.data(), digits.size());
  return text;
}

}  // namespace shardlog

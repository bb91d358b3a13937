#include "shardlog/core/shard.h"

#include <fmt/format.h>

#include <charconv>

namespace shardlog {

namespace {
constexpr std::string_view prefix = "shardId-";
constexpr std::size_t written_digits = 12;
}  // namespace

std::optional<ShardId> ShardId::parse(std::string_view text) {
  const bool written = text.starts_with(prefix);
  if (written) text.remove_prefix(prefix.size());
  if (written ? text.size() != written_digits : text.empty()) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return ShardId(number);
}

std::string ShardId::to_string() const {
  return fmt::format("{}{:0{}}", prefix, number_, written_digits);
}

}  // namespace shardlog

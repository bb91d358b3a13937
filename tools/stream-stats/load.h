#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace shardlog::cli {

/// A load as a person gives it. It has records, bytes, or both.
struct Load {
  std::optional<double> records{};           ///< written a second
  std::optional<double> bytes{};             ///< of those, data and keys
  std::optional<std::uint64_t> consumers{};  ///< each of which reads all that is written

  friend bool operator==(const Load&, const Load&) = default;
};

/// Parts joined by commas, each at most once and above 0: 5000/s is records; 2MiB/s is bytes, whose unit ends in B,
/// because 5k/s would be either; and 3 consumers. Empty if the text is anything else.
std::optional<Load> parse_load(std::string_view text);

}  // namespace shardlog::cli

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/position.h"

namespace shardlog::cli {

/// trim-horizon, earliest or beginning; latest or end; last:N, at:SEQUENCE, after:SEQUENCE, or a time. Empty for any
/// other text.
std::optional<Position> parse_position(std::string_view text, Timestamp now);

/// Why a text is not a position, with the nearest guess: "is not a position; did you mean 'latest'?"
std::string not_a_position(const std::string& text, Timestamp now);

}  // namespace shardlog::cli

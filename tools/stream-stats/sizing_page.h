#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/load.h"

/// How many shards and machines a load needs: what stream-stats --sizing shows.
namespace shardlog::cli {

/// For the load that is given, or for the busiest of the last 15 minutes. Throws usage if the stream cannot tell what
/// is missing.
std::string format_sizing(const Figures& figures, const std::optional<Load>& given, std::size_t width);
std::string json_sizing(const Figures& figures, const std::optional<Load>& given);

}  // namespace shardlog::cli

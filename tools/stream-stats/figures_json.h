#pragma once

#include <string>

#include "tools/stream-stats/figures.h"

namespace shardlog::cli {

/// The figures as one JSON object on a line. Hash keys and sequence numbers are strings; times RFC 3339; sizes bytes.
std::string format_json(const Figures& figures);

}  // namespace shardlog::cli

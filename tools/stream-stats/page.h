#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shardlog/stream.h"

namespace shardlog::cli {

/// What a person wants to know of a stream at a glance.
std::string format_page(const std::string& name, const StreamStatistics& statistics);

/// The streams of a directory, a line each.
std::string format_list(const std::vector<std::pair<std::string, StreamStatistics>>& streams);

/// A page as one JSON object on a line. Hash keys and sequence numbers are strings; times RFC 3339; sizes bytes.
std::string format_json(const std::string& name, const StreamStatistics& statistics);

}  // namespace shardlog::cli

#pragma once

#include <string>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/screen.h"

/// What stream-stats shows of latencies.
namespace shardlog::cli {

/// A table of the four latencies of the last minute, or a line that says that nothing was measured.
std::string format_latencies(const StreamTraffic& traffic, const Screen& screen);

/// The same, and a table of how long each consumer takes.
std::string format_all_latencies(const Figures& figures, const Screen& screen);

}  // namespace shardlog::cli

#pragma once

#include <string>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/history.h"

namespace shardlog::cli {

/// The page and the history as one HTML page that needs nothing else: no script, no file from elsewhere. It fits narrow
/// and wide windows, light and dark ones, and paper.
std::string format_html(const Figures& figures, const History& history);

}  // namespace shardlog::cli

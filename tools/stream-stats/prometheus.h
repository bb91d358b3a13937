#pragma once

#include <string>
#include <vector>

#include "tools/stream-stats/figures.h"

namespace shardlog::cli {

/// The named figures of streams in the text format of Prometheus ("Exposition formats"). A name is that of the figure
/// between shardlog_ or shardlog_consumer_ and its unit, which is a base unit: seconds, bytes, a ratio. A latency is a
/// summary. What ever came in is a counter of each shard besides.
std::string format_prometheus(const std::vector<Figures>& streams);

}  // namespace shardlog::cli

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/screen.h"

/// What stream-stats shows of consumers and producers.
namespace shardlog::cli {

/// A table with a line for each consumer, or how to make one. At most `lines` below the headings: if they are more, the
/// worst come first.
std::string format_consumers(const Figures& figures, const Screen& screen, std::size_t lines = SIZE_MAX);

/// All about one consumer, with a line for each shard: what changes comes first, ids come last.
std::string format_consumer(const ConsumerFigures& consumer, const Screen& screen);

/// A table with a line for each producer and source, or "no producers".
std::string format_producers(const std::vector<Producer>& producers, std::size_t width);

/// JSON arrays of the same.
std::string json_consumers(const std::vector<ConsumerFigures>& consumers);
std::string json_producers(const std::vector<Producer>& producers);

}  // namespace shardlog::cli

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

struct Page {
  StreamStatistics statistics;
  std::vector<ConsumerStatistics> consumers;
  std::vector<Producer> producers;
  Timestamp now;  ///< of which ages are counted
};

/// What a person wants to know of a stream at a glance.
/// The busiest of many shards, or all of them.
std::string format_page(const std::string& name, const Page& page, const Screen& screen, bool all_shards);

/// The streams of a directory, a line each.
std::string format_list(const std::vector<std::pair<std::string, Page>>& streams, const Screen& screen);

/// A page as one JSON object on a line. Hash keys and sequence numbers are strings; times RFC 3339; sizes bytes.
std::string format_json(const std::string& name, const Page& page);

}  // namespace shardlog::cli

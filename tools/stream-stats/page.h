#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/rates.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

struct Page {
  StreamStatistics statistics;
  std::vector<ConsumerStatistics> consumers;
  std::vector<Producer> producers;
  Timestamp now;  ///< for ages
  Arrivals arrivals{};
  capacity::Limits limits{};  ///< of each shard
};

/// What a person wants to know of a stream at a glance. If it has many shards, only the busiest unless `all_shards`.
std::string format_page(const std::string& name, const Page& page, const Screen& screen, bool all_shards);

/// A table with a line for each stream.
std::string format_list(const std::vector<std::pair<std::string, Page>>& streams, const Screen& screen);

/// A page as one JSON object on a line. Hash keys and sequence numbers are strings; times RFC 3339; sizes bytes.
std::string format_json(const std::string& name, const Page& page);

}  // namespace shardlog::cli

#pragma once

#include <string>
#include <vector>

#include "shardlog/reshard/by_load.h"

namespace shardlog::reshard {

struct Splits {
  Plan plan{};
  std::vector<HotKey> hot_keys{};
  std::string reason{};  ///< of the first split; if there are none, what the busiest shard carries
};

/// The splits of one decision. REQUIRES: all open shards are measured
Splits splits_by_load(const Situation& situation, const ScalingOptions& options);

}  // namespace shardlog::reshard

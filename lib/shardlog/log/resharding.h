#pragma once

#include <optional>

#include "shardlog/core/export.h"
#include "shardlog/core/reshard_step.h"

namespace shardlog {

class SHARDLOG_API Resharding {
 public:
  virtual ~Resharding() = default;

  /// Applies `step` whole, if the shard map is still of `version`, and returns the map's new version. If the map has
  /// changed since, does nothing and returns nothing: describe() the stream and plan again. The engine chooses the
  /// children's ids, and takes those of the plan if it can. Throws usage and not_found where the step does not fit the
  /// shard map, and as Stream::append().
  virtual std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version) = 0;
};

}  // namespace shardlog

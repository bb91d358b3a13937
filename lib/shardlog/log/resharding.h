#pragma once

#include <optional>

#include "shardlog/core/export.h"
#include "shardlog/core/reshard_step.h"

namespace shardlog {

class SHARDLOG_API Resharding {
 public:
  virtual ~Resharding() = default;

  /// Applies `step` if the shard map is still of `version`, whole or not at all. Returns the version it has then;
  /// nothing where it has changed meanwhile: describe() the stream and plan again. The children get the ids that the
  /// engine chooses; the next ones, as the plan has them, wherever it can. Throws usage and not_found where the step
  /// does not fit the shard map, and as Stream::append().
  virtual std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version) = 0;
};

}  // namespace shardlog

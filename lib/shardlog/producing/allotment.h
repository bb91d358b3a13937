#pragma once

#include <map>
#include <memory>
#include <optional>

#include "shardlog/capacity/bucket.h"
#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"
#include "shardlog/log/records.h"

namespace shardlog::producing {

/// Keeps a caller from asking a shard for more than that earns in half the time that the caller waits, so that there is
/// enough even if somebody else takes as much. What is over it is refused record by record, and at once: it would only
/// hold up the callers after this one.
class Allotment {
 public:
  Allotment(const capacity::Limits& limits, Duration patience, std::shared_ptr<const ShardMap> map);

  /// Says what the record's shard has no more of, if that is so. The first record of a shard may always try, however
  /// large it is. Records without a key go to whichever shard has more.
  std::optional<Throttled> take(const Record& record);

  /// What was refused.
  [[nodiscard]] capacity::Step refused() const;

 private:
  struct OfShard {
    capacity::ShardNeed taken;
    capacity::ShardNeed refused;
  };

  const capacity::Price price_;
  const double most_;  ///< seconds
  const std::shared_ptr<const ShardMap> map_;
  std::map<ShardId, OfShard> shards_;
};

}  // namespace shardlog::producing

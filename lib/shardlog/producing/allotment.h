#pragma once

#include <map>
#include <optional>

#include "shardlog/capacity/bucket.h"
#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"
#include "shardlog/log/records.h"

namespace shardlog::producing {

/// Keeps a caller from asking a shard for more than that earns while the caller waits. What is over it is refused
/// record by record. Otherwise all records of the shard would wait in vain, and the capacity that was reserved for them
/// would be lost.
class Allotment {
 public:
  Allotment(const capacity::Limits& limits, Duration patience, ShardMap map);

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
  const Duration patience_;
  const ShardMap map_;
  std::map<ShardId, OfShard> shards_;
};

}  // namespace shardlog::producing

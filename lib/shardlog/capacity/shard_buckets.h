#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "shardlog/capacity/bucket.h"
#include "shardlog/capacity/limits.h"
#include "shardlog/capacity/writing.h"
#include "shardlog/core/export.h"
#include "shardlog/core/shard_map.h"

/// What engines share that enforce limits: the rules of writing.h for the buckets of a stream's shards.
namespace shardlog::capacity {

/// What a step needs of one shard.
struct ShardNeed {
  ShardId shard;
  std::uint64_t records = 1;
  std::uint64_t bytes = 0;  ///< data and keys

  friend bool operator==(const ShardNeed&, const ShardNeed&) = default;
};

/// Records that are stored whole. It may need nothing.
using Step = std::vector<ShardNeed>;

/// The buckets of one stream for writing. An engine keeps them, and changes them in one commit with what they pay for.
class SHARDLOG_API Buckets {
 public:
  virtual ~Buckets() = default;

  /// A full one if there is none yet.
  virtual Bucket load(ShardId shard) = 0;
  virtual void store(ShardId shard, const Bucket& bucket) = 0;
  virtual void remove(ShardId shard) = 0;
};

/// The open shards that have taken over from a shard; the shard itself if it is open.
SHARDLOG_API std::vector<ShardId> heirs_of(const ShardMap& map, ShardId shard);

/// As heirs_of(), for the current shard map.
using Heirs = std::function<std::vector<ShardId>(ShardId)>;

/// As the other reserve(). Steps may be routed by an old shard map: what they need of a closed shard is charged to its
/// heirs in equal parts.
SHARDLOG_API Slice reserve(Buckets& buckets, const Heirs& heirs, const Price& price, std::span<const Step> steps,
                           const Seconds& paid, const Moment& now);

/// Why a step was not charged.
struct Exhausted {
  bool records = false;
  bool bytes = false;
  Duration retry_after{0};
};

/// Charges a step that nobody reserved, whole, as Kinesis does it: while every shard that it needs has anything left.
/// Otherwise it charges nothing, and says what is used up. REQUIRES: its shards are open
SHARDLOG_API std::optional<Exhausted> charge(Buckets& buckets, const Price& price, const Step& step, const Moment& now);

/// The children of a split or a merge take over the debt of the parents.
SHARDLOG_API void hand_over(Buckets& buckets, std::span<const ShardId> parents, std::span<const ShardId> children,
                            const Moment& now);

}  // namespace shardlog::capacity

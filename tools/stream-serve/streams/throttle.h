#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "shardlog/capacity/bucket.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/shard.h"

namespace shardlog::serve {

/// Refuses what is over the limits of a shard of Kinesis, at once, as Kinesis does. It counts what clients of this
/// server do, and nothing else. For any number of threads.
class Throttle {
 public:
  /// `clock` must outlive it.
  explicit Throttle(const Clock& clock, const capacity::Limits& limits = capacity::kinesis_limits());

  /// Whether a record with so many bytes may be written now. One that is larger than a second's worth may be if the
  /// shard was idle for a second; it leaves a debt.
  bool write(const std::string& stream_uuid, ShardId shard, std::uint64_t bytes);

  /// Whether a call may read now. What it reads is told afterwards, and may leave a debt: no other call may read before
  /// that is earned.
  bool read(const std::string& stream_uuid, ShardId shard);
  void note_read(const std::string& stream_uuid, ShardId shard, std::uint64_t bytes);

 private:
  using Buckets = std::map<std::pair<std::string, ShardId>, capacity::Bucket>;

  capacity::Bucket& bucket(Buckets& buckets, const std::string& stream_uuid, ShardId shard);

  const Clock& clock_;
  const capacity::Price writing_;
  const capacity::Price reading_;
  std::mutex mutex_;
  // Guarded by the mutex.
  Buckets written_;
  Buckets read_;
};

}  // namespace shardlog::serve

#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/core/clock.h"

namespace shardlog::producing {

/// What became of the wait for one shard's capacity.
struct Reservation {
  bool is_reserved = false;
  bool had_to_wait = false;  ///< for capacity; true also if there was none in time
  capacity::Slice slice{};   ///< the latest, which may be one that was waited for in vain
};

/// Lets several threads of a process wait for the capacity of shards, for each shard on its own: a shard that has none
/// holds up nobody who writes to others.
///
/// What is reserved and then given up is lost. So for each shard one thread at a time reserves, and the others wait
/// without reserving anything.
class Reservations {
 public:
  /// Reserves a slice for a step (WriteCapacity::reserve). Called by one thread at a time for each shard.
  using Reserve = std::function<capacity::Slice(const capacity::Step& step, const capacity::Seconds& paid)>;

  /// Reserves each of the needs, which are of different shards. Waits for each of them at most `patience` for its turn,
  /// and as long again for its capacity, and until a stop is requested. Returns what became of each. Throws what
  /// `reserve` throws.
  std::vector<Reservation> wait(std::span<const capacity::ShardNeed> needs, const Reserve& reserve,
                                const std::stop_token& stop, std::optional<Duration> patience);

 private:
  class Wait;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<ShardId> reserving_;  ///< guarded by the mutex: shards for which a thread has its turn
};

}  // namespace shardlog::producing

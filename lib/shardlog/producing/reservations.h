#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/core/clock.h"

namespace shardlog::producing {

/// What became of the wait for one shard's capacity.
struct Reservation {
  bool is_reserved = false;                ///< all that was needed
  capacity::Seconds paid{};                ///< if it is not: how much of the price was reserved and earned in time
  bool had_to_wait = false;                ///< for capacity
  std::optional<capacity::Slice> slice{};  ///< the latest; nullopt if the shard was never asked
};

/// Lets the callers of a process wait for the capacity of shards, for each shard on its own: a shard that has none
/// holds up nobody who writes to others.
///
/// Each shard has a line of waiting needs. Nobody waits for a slice of a shard before the wait for the slice before it
/// is over, because what is reserved and then given up is lost. A slice is shared by as many needs from the front of
/// the line as fit into it. The need after them gets an instalment, and is the first of the next slice: if all large
/// needs got a part of each slice, none of them would be complete in time.
///
///     line of a shard:  A A A A  B  C C C C C C C C C C C C  D
///     slice 1           [A whole, B whole, an instalment for C]
///     slice 2                       [the rest of C             , D whole]
///
/// One of the waiting callers at a time asks for all shards.
class Reservations {
 public:
  using Watch = std::chrono::steady_clock;
  using Until = std::optional<Watch::time_point>;

  /// What is asked of one shard: WriteCapacity::reserve().
  struct Ask {
    std::vector<capacity::Step> steps;
    capacity::Seconds paid{};
    capacity::Slice slice{};  ///< the answer
  };

  /// Answers all asks, which are about different shards. False if it was too late for that: nothing was reserved.
  using Reserve = std::function<bool(std::span<Ask> asks)>;

  Reservations();
  ~Reservations();
  Reservations(const Reservations&) = delete;
  Reservations& operator=(const Reservations&) = delete;

  /// Reserves each of the needs, which are of different shards. Ends at `until`, or when a stop is requested; sooner if
  /// no shard would give more by then. `reserve` is called by one thread at a time, and may be asked for the needs of
  /// other callers too. Returns what became of each need. Throws what `reserve` throws.
  std::vector<Reservation> wait(std::span<const capacity::ShardNeed> needs, const Reserve& reserve,
                                const std::stop_token& stop, Until until);

 private:
  struct Line;
  class Wait;
  class Round;

  std::mutex mutex_;
  // Guarded by the mutex.
  std::map<ShardId, Line> lines_;  ///< those in which somebody waits
  bool is_asking_ = false;         ///< a caller asks, without holding the mutex
};

}  // namespace shardlog::producing

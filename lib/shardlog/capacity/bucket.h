#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "shardlog/capacity/limits.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"

/// Token buckets: how all processes together obey a shard's limits. Pure: an engine keeps the buckets with the stream,
/// and changes them under its writer lock; times come in as values.
namespace shardlog::capacity {

/// Amounts of a shard's capacity, in seconds: how long the shard takes to earn them. So a limit can be changed at any
/// time: a debt of half a second stays a debt of half a second.
struct Seconds {
  double count = 0;  ///< of records written, or of calls that read
  double bytes = 0;

  friend bool operator==(const Seconds&, const Seconds&) = default;
};

/// The costs of one record or call, and of one byte. A cost is 0 if there is no limit.
struct Price {
  double count = 0;
  double bytes = 0;

  [[nodiscard]] Seconds of(std::uint64_t records_or_calls, std::uint64_t amount_of_bytes) const {
    return {count * static_cast<double>(records_or_calls), bytes * static_cast<double>(amount_of_bytes)};
  }
};

SHARDLOG_API Price price_of_writing(const Limits& limits);
SHARDLOG_API Price price_of_reading(const Limits& limits);

/// The most that a bucket holds: what a shard that was idle gives at once.
constexpr double burst = 1;

/// Sums of prices are not exact. No limit is so high that this matters.
constexpr double rounding = 1e-9;

/// A time that is the same for all processes of a machine and never jumps. The wall clock may jump.
struct Moment {
  std::string boot;        ///< the id of this boot of the machine
  Duration since_boot{0};  ///< suspended time counts

  friend bool operator==(const Moment&, const Moment&) = default;
};

/// The state of one shard, for writing or for reading. A shard that has no state yet has a full bucket.
struct Bucket {
  Seconds level{burst, burst};  ///< below 0 is debt: capacity that is given away and not earned yet
  Moment at{};                  ///< when that was the level

  friend bool operator==(const Bucket&, const Bucket&) = default;
};

/// Adds what the shard has earned since the last time: one second's worth after another boot. If time went back, adds
/// nothing, but counts time from `now` from then on. So a clock that jumps back by an hour does not block anybody for
/// an hour.
SHARDLOG_API void refill(Bucket& bucket, const Moment& now);

/// How long until a debt is earned.
SHARDLOG_API Duration until_earned(const Seconds& level);

/// The bucket of a shard that has just been opened by a split or a merge. Records that reserved capacity of the parents
/// are stored in the children without asking again, so the children take over the debt. Each child of a split takes
/// over all of it, because all those records may be stored there. The child of a merge takes over the sum. REQUIRES:
/// one parent or two, refilled at the same moment
SHARDLOG_API Bucket take_over(std::span<const Bucket> parents);

}  // namespace shardlog::capacity

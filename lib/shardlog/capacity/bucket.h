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
/// time: a debt of half a second stays one.
struct Seconds {
  double count = 0;  ///< of records written, or of calls that read
  double bytes = 0;

  friend bool operator==(const Seconds&, const Seconds&) = default;
};

/// What one record or call costs, and one byte. Without a limit, nothing.
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

/// Time as all processes of a machine see it, and which never jumps: the wall clock may.
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

/// Adds what the shard has earned since. After another boot that is one second. If time went back it is nothing, but
/// from then on time is counted from `now`: so a clock that jumps back by an hour does not block anybody for an hour.
SHARDLOG_API void refill(Bucket& bucket, const Moment& now);

/// How long until a debt is earned.
SHARDLOG_API Duration until_earned(const Seconds& level);

/// The bucket of a shard that has just been opened by a split or a merge. What was reserved of the parents is stored in
/// the children without asking again, so they take over the debt: each child of a split all of it, since all of it may
/// be stored there, and that of a merge the sum. REQUIRES: one parent or two, refilled at one moment
SHARDLOG_API Bucket take_over(std::span<const Bucket> parents);

}  // namespace shardlog::capacity

#include "shardlog/capacity/reading.h"

#include <algorithm>
#include <limits>

namespace shardlog::capacity {

namespace {

/// What stays with the shard for those that have not taken their shares yet: for equal readers that is half of what is
/// earned between two of their turns.
constexpr double for_others = 0.3;

/// Of a level; all in seconds of capacity.
double taken(double held, double level, double share) {
  const double spare = level < burst ? level - for_others : level;
  return std::clamp(std::max(share, spare), 0.0, std::max(0.0, std::min(level, burst - held)));
}

/// A reader must hold more than nothing, or the very first call would be free.
constexpr double least_bytes = rounding;

}  // namespace

void top_up(Seconds& held, Bucket& shard, const Claim& claim, const Moment& now) {
  refill(shard, now);
  const double since = std::chrono::duration<double>(claim.since).count();
  const double share = std::clamp(since, 0.0, burst) / static_cast<double>(std::max<std::size_t>(1, claim.readers));
  const Seconds more{taken(held.count, shard.level.count, share), taken(held.bytes, shard.level.bytes, share)};
  held = {held.count + more.count, held.bytes + more.bytes};
  shard.level = {shard.level.count - more.count, shard.level.bytes - more.bytes};
}

void give_back(const Seconds& held, Bucket& shard, const Moment& now) {
  refill(shard, now);
  shard.level = {std::min(burst, shard.level.count + held.count), std::min(burst, shard.level.bytes + held.bytes)};
}

bool readable(const Seconds& held, const Price& price) {
  return (price.count == 0 || held.count >= price.count - rounding) && (price.bytes == 0 || held.bytes >= least_bytes);
}

Duration until_readable(const Seconds& held, const Price& price) {
  if (readable(held, price)) return Duration(0);
  return until_earned(
      {price.count == 0 ? 0 : held.count - price.count, price.bytes == 0 ? 0 : held.bytes - 2 * least_bytes});
}

std::uint64_t readable_bytes(const Seconds& held, const Price& price) {
  if (!readable(held, price)) return 0;
  if (price.bytes == 0) return std::numeric_limits<std::uint64_t>::max();
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(held.bytes / price.bytes));
}

void spend(Seconds& held, const Price& price, std::uint64_t bytes) {
  const Seconds cost = price.of(1, bytes);
  held = {held.count - cost.count, held.bytes - cost.bytes};
}

Duration until_next_top_up(double random) {
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(0.5 + 0.2 * random));
}

}  // namespace shardlog::capacity

#include "shardlog/capacity/reading.h"

#include <algorithm>

namespace shardlog::capacity {

namespace {

double taken(double held, double level) {
  return std::clamp(burst - held, 0.0, std::max(0.0, level));
}

/// A reader must hold more than nothing, or the very first call would be free.
double least_bytes(const Price& price) {
  return price.bytes == 0 ? 0 : rounding;
}

}  // namespace

void top_up(Seconds& held, Bucket& shard, const Moment& now) {
  refill(shard, now);
  const Seconds more{taken(held.count, shard.level.count), taken(held.bytes, shard.level.bytes)};
  held = {held.count + more.count, held.bytes + more.bytes};
  shard.level = {shard.level.count - more.count, shard.level.bytes - more.bytes};
}

bool readable(const Seconds& held, const Price& price) {
  return held.count >= price.count - rounding && held.bytes >= least_bytes(price);
}

Duration until_readable(const Seconds& held, const Price& price) {
  if (readable(held, price)) return Duration(0);
  return until_earned({held.count - price.count, held.bytes - 2 * least_bytes(price)});
}

void spend(Seconds& held, const Price& price, std::uint64_t bytes) {
  const Seconds cost = price.of(1, bytes);
  held = {held.count - cost.count, held.bytes - cost.bytes};
}

Duration until_next_top_up(double random) {
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(0.7 + 0.3 * random));
}

}  // namespace shardlog::capacity

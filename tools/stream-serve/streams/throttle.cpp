#include "tools/stream-serve/streams/throttle.h"

#include <algorithm>

namespace shardlog::serve {

namespace {

/// How many shards are remembered before those that were idle are forgotten.
constexpr std::size_t many_buckets = 20'000;

}  // namespace

Throttle::Throttle(const Clock& clock, const capacity::Limits& limits)
    : clock_(clock), writing_(price_of_writing(limits)), reading_(price_of_reading(limits)) {}

bool Throttle::write(const std::string& stream_uuid, ShardId shard, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  capacity::Seconds& level = bucket(written_, stream_uuid, shard).level;
  const capacity::Seconds price = writing_.of(1, bytes);
  const auto has = [](double held, double wanted) {
    return held + capacity::rounding >= std::min(wanted, capacity::burst);
  };
  if (!has(level.count, price.count) || !has(level.bytes, price.bytes)) return false;
  level.count -= price.count;
  level.bytes -= price.bytes;
  return true;
}

bool Throttle::read(const std::string& stream_uuid, ShardId shard) {
  const std::lock_guard guard(mutex_);
  capacity::Seconds& level = bucket(read_, stream_uuid, shard).level;
  const capacity::Seconds price = reading_.of(1, 0);
  if (level.count + capacity::rounding < price.count || level.bytes < 0) return false;
  level.count -= price.count;
  return true;
}

void Throttle::note_read(const std::string& stream_uuid, ShardId shard, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  bucket(read_, stream_uuid, shard).level.bytes -= reading_.of(0, bytes).bytes;
}

/// The bucket of a shard as it is now.
capacity::Bucket& Throttle::bucket(Buckets& buckets, const std::string& stream_uuid, ShardId shard) {
  const capacity::Moment now{"", clock_.elapsed()};
  if (buckets.size() >= many_buckets) {
    std::erase_if(buckets, [&now](const auto& each) {
      capacity::Bucket refilled = each.second;
      refill(refilled, now);
      return refilled.level == capacity::Seconds{capacity::burst, capacity::burst};
    });
  }
  const auto [found, is_new] = buckets.try_emplace({stream_uuid, shard});
  if (is_new) found->second.at = now;
  refill(found->second, now);
  return found->second;
}

}  // namespace shardlog::serve

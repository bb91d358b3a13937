#include "shardlog/capacity/bucket.h"

#include <cmath>

namespace shardlog::capacity {

namespace {

double price(const std::optional<std::uint64_t>& limit) {
  return limit ? 1 / static_cast<double>(*limit) : 0;
}

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double earned(const Moment& since, const Moment& now) {
  if (since.boot != now.boot) return 1;
  return std::max(0.0, in_seconds(now.since_boot - since.since_boot));
}

}  // namespace

Price price_of_writing(const Limits& limits) {
  return {price(limits.write_records), price(limits.write_bytes)};
}

Price price_of_reading(const Limits& limits) {
  return {price(limits.read_calls), price(limits.read_bytes)};
}

void refill(Bucket& bucket, const Moment& now) {
  const double more = earned(bucket.at, now);
  bucket.level.count = std::min(burst, bucket.level.count + more);
  bucket.level.bytes = std::min(burst, bucket.level.bytes + more);
  bucket.at = now;
}

Duration until_earned(const Seconds& level) {
  const double debt = std::max({0.0, -level.count, -level.bytes});
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(debt));
}

Bucket take_over(std::span<const Bucket> parents) {
  Bucket child = parents.front();
  for (const Bucket& other : parents.subspan(1)) {
    child.level.count = std::min(burst, child.level.count + other.level.count);
    child.level.bytes = std::min(burst, child.level.bytes + other.level.bytes);
  }
  return child;
}

}  // namespace shardlog::capacity

#include "shardlog/capacity/writing.h"

#include <algorithm>
#include <vector>

namespace shardlog::capacity {

namespace {

constexpr double usual_part = 0.1;
constexpr double least_part = 0.01;

/// Shorter slices where the queue is longer, so that it stays below a second with any usual number of producers.
double part_of(double level) {
  const double debt = std::max(0.0, -level);
  return std::max({level, usual_part * (1 - debt), least_part});
}

/// What one call of reserve() asks of a shard.
struct Claim {
  bool refilled = false;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  Seconds part{};   ///< the most that it may ask
  Seconds paid{};   ///< of the first record's price, before this call
  Seconds price{};  ///< of all its records, minus what is paid
};

Seconds rest(const Seconds& price, const Seconds& paid) {
  return {std::max(0.0, price.count - paid.count), std::max(0.0, price.bytes - paid.bytes)};
}

class Reservation {
 public:
  Reservation(std::span<Bucket> buckets, const Price& price, const Moment& now)
      : buckets_(buckets), price_(price), now_(now), claims_(buckets.size()) {}

  void credit(std::size_t shard, const Seconds& paid) { claim_of(shard).paid = paid; }

  /// Whether the record fits.
  bool add(const Need& need) {
    Claim& claim = claim_of(need.shard);
    const Seconds price = rest(price_.of(claim.records + 1, claim.bytes + need.bytes), claim.paid);
    slice_.count_exhausted = price.count > claim.part.count + rounding;
    slice_.bytes_exhausted = price.bytes > claim.part.bytes + rounding;
    if (slice_.count_exhausted || slice_.bytes_exhausted) return false;
    claim.price = price;
    ++claim.records;
    claim.bytes += need.bytes;
    ++slice_.records;
    return true;
  }

  /// For a record that does not fit: asks for the part of its price that may be asked for now.
  void add_instalment(const Need& need) {
    Claim& claim = claim_of(need.shard);
    const Seconds price = rest(price_.of(1, need.bytes), claim.paid);
    claim.price = {std::min(price.count, claim.part.count), std::min(price.bytes, claim.part.bytes)};
    slice_.instalment = {claim.paid.count + claim.price.count, claim.paid.bytes + claim.price.bytes};
  }

  Slice charge() {
    for (std::size_t shard = 0; shard < claims_.size(); ++shard) {
      const Seconds& price = claims_[shard].price;
      if (price == Seconds{}) continue;
      Seconds& level = buckets_[shard].level;
      level.count -= price.count;
      level.bytes -= price.bytes;
      slice_.wait = std::max(slice_.wait, until_earned(level));
    }
    return slice_;
  }

 private:
  Claim& claim_of(std::size_t shard) {
    Claim& claim = claims_[shard];
    if (claim.refilled) return claim;
    refill(buckets_[shard], now_);
    claim.refilled = true;
    claim.part = {part_of(buckets_[shard].level.count), part_of(buckets_[shard].level.bytes)};
    return claim;
  }

  std::span<Bucket> buckets_;
  Price price_;
  Moment now_;
  std::vector<Claim> claims_;  ///< by the places of the buckets
  Slice slice_;
};

}  // namespace

Slice reserve(std::span<Bucket> buckets, const Price& price, std::span<const Need> input, const Seconds& paid,
              const Moment& now) {
  if (input.empty()) return {};
  Reservation reservation(buckets, price, now);
  reservation.credit(input.front().shard, paid);
  const auto end =
      std::find_if_not(input.begin(), input.end(), [&](const Need& need) { return reservation.add(need); });
  if (end == input.begin()) reservation.add_instalment(input.front());
  return reservation.charge();
}

}  // namespace shardlog::capacity

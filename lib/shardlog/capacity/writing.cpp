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
  Seconds paid{};   ///< of the first step's price, before this call
  Seconds price{};  ///< of all its records, minus what is paid
};

Seconds rest(const Seconds& price, const Seconds& paid) {
  return {std::max(0.0, price.count - paid.count), std::max(0.0, price.bytes - paid.bytes)};
}

Seconds least(const Seconds& one, const Seconds& other) {
  return {std::min(one.count, other.count), std::min(one.bytes, other.bytes)};
}

Seconds most(const Seconds& one, const Seconds& other) {
  return {std::max(one.count, other.count), std::max(one.bytes, other.bytes)};
}

Seconds sum(const Seconds& one, const Seconds& other) {
  return {one.count + other.count, one.bytes + other.bytes};
}

/// What may still be asked of a shard.
Seconds room_of(const Claim& claim) {
  return rest(claim.part, claim.price);
}

using Needs = std::span<const Need>;

/// The first step of an input that is not empty.
Needs first_step(std::span<const Need> input) {
  const auto end = std::find_if(input.begin() + 1, input.end(), [](const Need& need) { return !need.joined; });
  return {input.begin(), end};
}

class Reservation {
 public:
  Reservation(std::span<Bucket> buckets, const Price& price, const Moment& now)
      : buckets_(buckets), price_(price), now_(now), claims_(buckets.size()) {}

  void credit(Needs step, const Seconds& paid) {
    for (const Need& need : step) claim_of(need.shard).paid = least(paid, price_.of(need.records, need.bytes));
  }

  /// Whether the step fits.
  bool add(Needs step) {
    for (const Need& need : step) {
      const Seconds price = price_with(need);
      const Claim& claim = claim_of(need.shard);
      slice_.count_exhausted = slice_.count_exhausted || price.count > claim.part.count + rounding;
      slice_.bytes_exhausted = slice_.bytes_exhausted || price.bytes > claim.part.bytes + rounding;
    }
    if (slice_.count_exhausted || slice_.bytes_exhausted) return false;
    for (const Need& need : step) {
      Claim& claim = claim_of(need.shard);
      claim.price = price_with(need);
      claim.records += need.records;
      claim.bytes += need.bytes;
    }
    ++slice_.steps;
    return true;
  }

  /// As much as may still be asked, of the price of the step after the slice: the same of each shard. `paid` is what
  /// was paid of it before.
  void add_instalment(Needs step, const Seconds& paid) {
    Seconds part = room_of(claim_of(step.front().shard));
    for (const Need& need : step) part = least(part, room_of(claim_of(need.shard)));
    slice_.instalment = paid;  // a step that was rerouted may need less than was paid: that is not forgotten
    for (const Need& need : step) {
      Claim& claim = claim_of(need.shard);
      const Seconds before = least(paid, price_.of(need.records, need.bytes));
      const Seconds now = least(rest(price_with(need), claim.price), part);
      claim.price = sum(claim.price, now);
      slice_.instalment = most(slice_.instalment, sum(before, now));
    }
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
  Seconds price_with(const Need& need) {
    const Claim& claim = claim_of(need.shard);
    return rest(price_.of(claim.records + need.records, claim.bytes + need.bytes), claim.paid);
  }

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
  const Needs first = first_step(input);
  reservation.credit(first, paid);
  if (!reservation.add(first)) {
    reservation.add_instalment(first, paid);
    return reservation.charge();
  }
  for (auto left = input.subspan(first.size()); !left.empty();) {
    const Needs step = first_step(left);
    if (!reservation.add(step)) {
      reservation.add_instalment(step, {});
      break;
    }
    left = left.subspan(step.size());
  }
  return reservation.charge();
}

}  // namespace shardlog::capacity

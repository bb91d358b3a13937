#include "shardlog/consuming/read_allowance.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace shardlog::consuming {

namespace {

/// A reader that lacks bytes waits for as much as it earns in this time, or it would read a few bytes at a time.
constexpr Duration shortest_wait = std::chrono::milliseconds(100);

/// How soon a reader that waits learns of new limits.
constexpr Duration look_at_limits = std::chrono::seconds(1);

class AllowanceOfReader final : public ReadAllowance {
 public:
  AllowanceOfReader(Stream& stream, const Clock& clock) : stream_(stream), clock_(clock) {}

  Duration until_more(ShardId shard, bool in_new_call) override {
    const capacity::Seconds& level = buckets_[shard].level;
    const Duration wait = until_readable(level, price(in_new_call));
    const Duration least = lacks_calls(shard, in_new_call) ? Duration(0) : shortest_wait;
    return std::clamp(wait, least, look_at_limits);
  }

 protected:
  void update(ShardId shard, bool in_new_call) override {
    capacity::Bucket& bucket = buckets_[shard];
    refill(bucket, {"", clock_.elapsed()});
    if (capacity::readable(bucket.level, price(in_new_call)) || clock_.elapsed() - looked_at_ < look_at_limits) return;
    looked_at_ = clock_.elapsed();
    learn(stream_.describe().settings.limits);
  }

  capacity::Seconds& held(ShardId shard) override { return buckets_[shard].level; }

 private:
  Stream& stream_;
  const Clock& clock_;
  Duration looked_at_ = Duration(0);
  std::map<ShardId, capacity::Bucket> buckets_;
};

class AllowanceOfConsumer final : public ReadAllowance {
 public:
  AllowanceOfConsumer(Stream& stream, const Clock& clock) : stream_(stream), clock_(clock) {}

  Duration until_more(ShardId /*shard*/, bool /*in_new_call*/) override {
    return std::max(top_up_at_ - clock_.elapsed(), Duration(0));
  }

  void end() override {
    if (!shares_.empty() && is_limited()) stream_.read_capacity().give_back(shares());
    shares_.clear();
  }

 protected:
  void update(ShardId shard, bool in_new_call) override {
    const auto [share, is_new] = shares_.try_emplace(shard);
    if (capacity::readable(share->second.held, price(in_new_call))) return;
    if (top_up_at_ <= clock_.elapsed()) {
      // All shards at once. If each had its own time, a shard would earn nothing more while it waits for another.
      top_up(shares());
      top_up_at_ = clock_.elapsed() + capacity::until_next_top_up(uniform_(random_));
    } else if (is_new) {
      top_up({{shard}});
    }
  }

  capacity::Seconds& held(ShardId shard) override { return shares_[shard].held; }

 private:
  struct Share {
    capacity::Seconds held{};
    std::optional<Duration> topped_up_at{};
  };

  [[nodiscard]] std::vector<ReadCapacity::Share> shares() const {
    const Duration now = clock_.elapsed();
    std::vector<ReadCapacity::Share> all;
    for (const auto& [shard, share] : shares_) {
      ReadCapacity::Share& one = all.emplace_back(ReadCapacity::Share{shard, share.held});
      if (share.topped_up_at) one.since = now - *share.topped_up_at;
    }
    return all;
  }

  void top_up(std::vector<ReadCapacity::Share> shares) {
    learn(stream_.read_capacity().top_up(shares));
    const Duration now = clock_.elapsed();
    for (const ReadCapacity::Share& share : shares) shares_[share.shard] = {share.held, now};
  }

  Stream& stream_;
  const Clock& clock_;
  std::map<ShardId, Share> shares_;
  Duration top_up_at_ = Duration::min();  ///< at the earliest
  std::mt19937_64 random_{std::random_device()()};
  std::uniform_real_distribution<double> uniform_{0, 1};
};

}  // namespace

void ReadAllowance::learn(const capacity::Limits& limits) {
  if (limits == limits_) return;
  limits_ = limits;
  price_ = price_of_reading(limits);
}

capacity::Price ReadAllowance::price(bool in_new_call) const {
  return {in_new_call ? price_.count : 0, price_.bytes};
}

std::uint64_t ReadAllowance::readable(ShardId shard, bool in_new_call) {
  update(shard, in_new_call);
  return readable_bytes(held(shard), price(in_new_call));
}

void ReadAllowance::spend(ShardId shard, bool in_new_call, std::uint64_t bytes) {
  capacity::spend(held(shard), price(in_new_call), bytes);
}

bool ReadAllowance::lacks_calls(ShardId shard, bool in_new_call) {
  return !capacity::readable(held(shard), {.count = price(in_new_call).count});
}

std::unique_ptr<ReadAllowance> allowance_of_reader(Stream& stream, const Clock& clock) {
  return std::make_unique<AllowanceOfReader>(stream, clock);
}

std::unique_ptr<ReadAllowance> allowance_of_consumer(Stream& stream, const Clock& clock) {
  return std::make_unique<AllowanceOfConsumer>(stream, clock);
}

}  // namespace shardlog::consuming

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/reshard/by_load.h"
#include "support/shards.h"

namespace shardlog::reshard::test {

/// Keys at random places of the key space, each with a weight.
class Keys {
 public:
  /// The k-th heaviest has a weight of k to the power of -`exponent`.
  static Keys zipf(std::size_t count, double exponent, std::uint64_t seed) {
    std::vector<double> weights(count);
    for (std::size_t i = 0; i < count; ++i) weights[i] = std::pow(static_cast<double>(i + 1), -exponent);
    return {std::move(weights), seed};
  }

  Keys(std::vector<double> weights, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::pair<HashKey, std::size_t>> order;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      order.emplace_back(HashKey(HashKey::Value{random()} << 64 | random()), i);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [hash, key] : order) {
      hashes_.push_back(hash);
      names_.push_back("key " + std::to_string(key));
      up_to_.push_back(up_to_.back() + weights[key]);
    }
  }

  /// The part of all load that goes to a range.
  [[nodiscard]] double share(const HashRange& range) const {
    const auto [first, last] = places(range);
    return (up_to_[last] - up_to_[first]) / up_to_.back();
  }

  /// Records of a range, each key as often as its weight says.
  [[nodiscard]] std::vector<KeySample> sample(const HashRange& range, std::mt19937_64& random) const {
    const auto [first, last] = places(range);
    std::vector<KeySample> samples;
    if (first == last) return samples;
    std::uniform_real_distribution<double> weight(up_to_[first], up_to_[last]);
    for (std::size_t i = 0; i < wanted_samples; ++i) {
      const auto after = std::upper_bound(up_to_.begin(), up_to_.end(), weight(random));
      const auto place = std::clamp(static_cast<std::size_t>(after - up_to_.begin()), first + 1, last) - 1;
      samples.push_back({hashes_[place], names_[place], 100});
    }
    return samples;
  }

 private:
  [[nodiscard]] std::pair<std::size_t, std::size_t> places(const HashRange& range) const {
    const auto first = std::lower_bound(hashes_.begin(), hashes_.end(), range.first);
    const auto last = std::upper_bound(hashes_.begin(), hashes_.end(), range.last);
    return {static_cast<std::size_t>(first - hashes_.begin()), static_cast<std::size_t>(last - hashes_.begin())};
  }

  std::vector<HashKey> hashes_;
  std::vector<std::string> names_;
  std::vector<double> up_to_{0};  ///< the weights of all keys before each place
};

/// A stream that is scaled by a load of records of 100 bytes, at the limits of Kinesis, for simulated weeks.
class ScaledStream {
 public:
  /// Minutes since the start to records a second.
  using LoadAt = std::function<double(double)>;

  ScaledStream(Keys keys, std::uint32_t shards, std::uint64_t seed)
      : keys_(std::move(keys)),
        random_(seed),
        situation_{{1, shardlog::test::open_shards(even_ranges(shards))},
                   Timestamp() + std::chrono::hours(24 * 365),
                   {},
                   [this](ShardId id) { return sample(id); }} {}

  void run(std::size_t minutes, const LoadAt& load_at) {
    for (std::size_t i = 0; i < minutes; ++i) {
      measure(load_at(static_cast<double>(minute_++)));
      situation_.now += std::chrono::minutes(1);
      if (minute_ % 5 == 0) decide();
    }
  }

  ScalingOptions options{.capacity = {1000, 1 << 20}};
  double keyless = 0;  ///< the part of the load that is records without keys

  [[nodiscard]] std::size_t shards() const { return situation_.map.open_shards().size(); }
  [[nodiscard]] const ScalingState& state() const { return state_; }
  [[nodiscard]] std::size_t decisions() const { return decisions_; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  /// Steps that undid another one that was less than two days old.
  [[nodiscard]] std::size_t undone() const { return undone_; }
  /// Minutes in which a shard was asked for more than its capacity.
  [[nodiscard]] std::size_t throttled_minutes() const { return throttled_minutes_; }
  /// Of all minutes.
  [[nodiscard]] double mean_shards() const { return shard_minutes_ / static_cast<double>(minute_); }
  [[nodiscard]] const Decision& latest() const { return latest_; }

  /// What the busiest shard is asked for, as a multiple of the mean.
  [[nodiscard]] double busiest_by_mean() const {
    double busiest = 0;
    for (const ShardId id : situation_.map.open_shards()) busiest = std::max(busiest, share_of(id));
    return busiest * static_cast<double>(shards());
  }

 private:
  void measure(double load) {
    bool throttled = false;
    for (const ShardId id : situation_.map.open_shards()) {
      const double asked = load * share_of(id) * std::max(0.0, 1 + 0.03 * noise_(random_));
      throttled |= asked > options.capacity.records;
      note(situation_.measured[id], std::min(asked, options.capacity.records));
    }
    throttled_minutes_ += throttled ? 1 : 0;
    shard_minutes_ += static_cast<double>(shards());
  }

  std::vector<KeySample> sample(ShardId id) {
    std::vector<KeySample> samples = keys_.sample(situation_.map.at(id).range, random_);
    std::bernoulli_distribution without_key(keyless / static_cast<double>(shards()) / share_of(id));
    for (KeySample& each : samples) {
      if (without_key(random_)) each = {};
    }
    return samples;
  }

  [[nodiscard]] double share_of(ShardId id) const {
    return (1 - keyless) * keys_.share(situation_.map.at(id).range) + keyless / static_cast<double>(shards());
  }

  void note(Measured& measured, double records) {
    const Load load{records, 100 * records};
    if (measured.minutes.size() == measured_minutes) measured.minutes.erase(measured.minutes.begin());
    measured.minutes.push_back(load);
    const Timestamp hour = std::chrono::floor<std::chrono::hours>(situation_.now);
    if (measured.peaks.empty() || measured.peaks.back().hour != hour) measured.peaks.push_back({hour, {}});
    HourlyPeak& peak = measured.peaks.back();
    peak.load = {std::max(peak.load.records, load.records), std::max(peak.load.bytes, load.bytes)};
  }

  void decide() {
    latest_ = scale_by_load(situation_, options, state_);
    state_ = latest_.state;
    if (latest_.plan.empty()) return;
    ++decisions_;
    for (const PlannedStep& planned : latest_.plan) {
      ++steps_;
      note_if_undone(planned.step);
      situation_.map = apply(situation_.map, planned.step, situation_.now);
    }
  }

  /// A boundary that went and comes back, or the other way round.
  void note_if_undone(const ReshardStep& step) {
    const bool split = step.opens.size() == 2;
    const Shard& first = situation_.map.at(step.closes.front());
    const bool young = situation_.now - first.opened_at < std::chrono::hours(48) && first.parent;
    const bool from_merge = first.adjacent_parent.has_value();
    const bool siblings = !split && first.parent == situation_.map.at(step.closes.back()).parent;
    if (young && (split ? from_merge : siblings && !from_merge)) ++undone_;
  }

  Keys keys_;
  std::mt19937_64 random_;
  std::normal_distribution<double> noise_{0, 1};
  Situation situation_;
  ScalingState state_;
  Decision latest_;
  std::size_t minute_ = 0;
  std::size_t decisions_ = 0;
  std::size_t steps_ = 0;
  std::size_t undone_ = 0;
  std::size_t throttled_minutes_ = 0;
  double shard_minutes_ = 0;
};

}  // namespace shardlog::reshard::test

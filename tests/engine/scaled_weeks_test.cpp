#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/from_environment.h"
#include "shardlog/scaling/last_decision.h"
#include "shardlog/scaling/on_demand.h"
#include "shardlog/scaling/scale.h"
#include "support/stream_test.h"

// Streams that are scaled by their load, on a clock of the test's: all that is decided is measured from what is stored.
// A shard takes 20 records a second and not 1,000, so that a week is 100 million records and not 6 billion.
// tests/unit/scaling_simulation_test.cpp has the same loads at the limits of Kinesis, and more of them.
namespace shardlog {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::uint64_t limit = 20;  // records a second
constexpr std::size_t minutes_a_day = 24 * 60;
constexpr std::size_t key_count = 10'000;

/// Who decides.
enum class Way {
  automatic,  ///< stream-reshard auto, every 15 minutes
  on_demand,  ///< the writer, once a minute
};

double target_of(Way way) {
  return way == Way::automatic ? 0.7 : 0.5;
}

/// Keys, each with a weight.
class Keys {
 public:
  explicit Keys(const std::vector<double>& weights) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      names_.push_back("key " + std::to_string(i));
      hashes_.push_back(HashKey::of(names_.back()));
      up_to_.push_back((up_to_.empty() ? 0 : up_to_.back()) + weights[i]);
    }
  }

  /// The k-th heaviest has a weight of k to the power of -`exponent`.
  static Keys zipf(double exponent) {
    std::vector<double> weights(key_count);
    for (std::size_t i = 0; i < key_count; ++i) weights[i] = std::pow(static_cast<double>(i + 1), -exponent);
    return Keys(weights);
  }

  [[nodiscard]] std::size_t size() const { return names_.size(); }
  [[nodiscard]] const std::string& name(std::size_t key) const { return names_[key]; }
  [[nodiscard]] HashKey hash(std::size_t key) const { return hashes_[key]; }
  [[nodiscard]] double share(std::size_t key) const {
    return (up_to_[key] - (key == 0 ? 0 : up_to_[key - 1])) / up_to_.back();
  }

  std::size_t draw(std::mt19937_64& random) const {
    std::uniform_real_distribution<double> weight(0, up_to_.back());
    const auto found = std::upper_bound(up_to_.begin(), up_to_.end(), weight(random));
    return std::min(static_cast<std::size_t>(found - up_to_.begin()), names_.size() - 1);
  }

 private:
  std::vector<std::string> names_;
  std::vector<HashKey> hashes_;
  std::vector<double> up_to_;  ///< the weights of the keys up to each
};

class ScaledWeeks : public test::StreamTest, public testing::WithParamInterface<Way> {
 protected:
  /// Minutes since the start to records a second.
  using LoadAt = std::function<double(double)>;

  ScaledWeeks() { path_ = memory_.path() + "/orders"; }

  void start(Keys keys, std::uint32_t shards) {
    keys_ = std::make_unique<Keys>(std::move(keys));
    CreateOptions options = test::of_shards(shards);
    options.settings.limits.write_records = limit;
    options.settings.mode = GetParam() == Way::on_demand ? Mode::on_demand : Mode::provisioned;
    clock_.set(std::chrono::ceil<hours>(clock_.now()));
    shardlog::create(path_, options, clock_);
    stream_ = open_to_write();
    writer_ = std::make_unique<scaling::OnDemand>(*stream_, stream_->describe(), clock_);
  }

  void run(std::size_t count, const LoadAt& load_at) {
    for (std::size_t i = 0; i < count; ++i) {
      put_minute(load_at(static_cast<double>(minute_++)));
      clock_.step(minutes(1));
      if (GetParam() == Way::on_demand) writer_->tend();
      if (GetParam() == Way::automatic && minute_ % 15 == 0) decide();
    }
  }

  ShardMap map() { return stream_->describe().map; }
  std::size_t open_shards() { return map().open_shards().size(); }

  /// What the busiest shard is asked for, as a part of all.
  double busiest() {
    const ShardMap map = this->map();
    std::vector<double> asked(map.open_shards().size());
    for (std::size_t key = 0; key < keys_->size(); ++key)
      asked[map.open_index_of(keys_->hash(key))] += keys_->share(key);
    return *std::max_element(asked.begin(), asked.end());
  }

  /// When shards were changed. The steps of one decision are of one time.
  std::vector<Timestamp> decisions() {
    std::vector<Timestamp> times;
    const ShardMap map = this->map();
    for (const Shard& shard : map.shards()) {
      if (shard.parent) times.push_back(shard.opened_at);
    }
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    return times;
  }

  /// Shards that were split within two days after they were merged, or the other way round.
  std::size_t undone() {
    const ShardMap map = this->map();
    return static_cast<std::size_t>(std::count_if(map.shards().begin(), map.shards().end(), [&](const Shard& shard) {
      if (!shard.parent || shard.open() || *shard.closed_at - shard.opened_at >= hours(48)) return false;
      const std::vector<Shard> children = map.children_of(shard.id);
      if (children.size() == 2) return shard.adjacent_parent.has_value();
      if (shard.adjacent_parent) return false;
      const auto is_sibling = [&](ShardId parent) { return map.at(parent).parent == shard.parent; };
      return std::ranges::all_of(children.front().parents(), is_sibling);
    }));
  }

  reshard::Decision decision() {
    return scaling::decide(*stream_, stream_->describe(), {.target = target_of(GetParam())}, clock_.now());
  }

 private:
  /// A shard takes no more than its capacity.
  void put_minute(double load) {
    const ShardMap map = this->map();
    if (map.version() != routed_by_) {
      shard_of_.resize(keys_->size());
      for (std::size_t key = 0; key < keys_->size(); ++key) shard_of_[key] = map.open_index_of(keys_->hash(key));
      routed_by_ = map.version();
    }
    std::vector<std::vector<Record>> records(map.open_shards().size());
    for (std::size_t i = 0; i < static_cast<std::size_t>(load * 60); ++i) {
      const std::size_t key = keys_->draw(random_);
      std::vector<Record>& of_shard = records[shard_of_[key]];
      if (of_shard.size() < limit * 60) of_shard.push_back({"", keys_->name(key)});
    }
    std::vector<RoutedBatch> batches;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (!records[i].empty()) batches.push_back({map.open_shards()[i], encode(records[i])});
    }
    for (const Outcome& outcome : stream_->write_capacity().append({batches, Sync::normal}, {}, {}).outcomes) {
      ASSERT_TRUE(std::holds_alternative<Stored>(outcome));
    }
  }

  void decide() {
    const reshard::Decision decision = this->decision();
    ValueChanges attributes = scaling::remember(decision);
    for (const auto& [step, moved] : decision.plan) {
      ASSERT_TRUE(stream_->resharding().apply(step, map().version(), attributes));
      attributes.clear();
    }
  }

  test::TemporaryDirectory memory_ = test::TemporaryDirectory::without_disk();
  std::unique_ptr<Keys> keys_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<scaling::OnDemand> writer_;
  std::mt19937_64 random_{1};
  std::size_t minute_ = 0;
  ShardMap::Version routed_by_ = 0;
  std::vector<std::size_t> shard_of_;  ///< by the keys, among the open shards
};

/// So many simulated hours, or the days that the environment asks for.
std::size_t duration(std::size_t standard_hours) {
  const auto days = static_cast<std::size_t>(test::count("SHARDLOG_SCALED_DAYS", 0));
  return days > 0 ? days * minutes_a_day : standard_hours * 60;
}

TEST_P(ScaledWeeks, ASkewedLoadReachesAMixOfShardsThatCarryAlikeAndStaysThere) {
  constexpr double load = 8 * limit;
  constexpr std::uint32_t shards = 2;
  start(Keys::zipf(0.9), shards);
  const auto most = 1 + static_cast<std::size_t>(std::ceil(std::log2(load / (target_of(GetParam()) * limit * shards))));
  const auto steady = [](double /*minute*/) { return load; };
  for (std::size_t hour = 0; hour < 24 && decisions().size() < most; ++hour) run(60, steady);
  const auto carry_alike = [&] {
    return busiest() * static_cast<double>(open_shards()) < 1.5 || busiest() * load < 0.5 * limit;
  };
  EXPECT_TRUE(carry_alike()) << "after " << most << " decisions, " << busiest() << " of " << open_shards();
  for (std::size_t left = duration(6); left > 0; left -= 360) {
    run(360, steady);
    EXPECT_TRUE(carry_alike()) << busiest() << " of " << open_shards();
  }
  EXPECT_LE(static_cast<double>(open_shards()), 1.6 * load / (target_of(GetParam()) * limit));
  EXPECT_EQ(undone(), 0U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_P(ScaledWeeks, ADailyRhythmIsNotFollowedUpAndDown) {
  start(Keys::zipf(0.5), 1);
  run(duration(36), [](double minute) {
    return 3 * limit * (1 + 0.9 * std::sin(2 * std::numbers::pi * minute / static_cast<double>(minutes_a_day)));
  });
  EXPECT_GE(open_shards(), 6U) << "for 5.7 times what a shard takes";
  EXPECT_LE(open_shards(), 16U);
  EXPECT_EQ(undone(), 0U);
}

TEST_P(ScaledWeeks, WhatALoadLeavesBehindIsMergedADayLater) {
  start(Keys::zipf(0.5), 1);
  run(duration(26), [](double /*minute*/) { return 2.5 * limit; });
  EXPECT_GE(open_shards(), 4U);
  const auto vanished = [](double /*minute*/) { return 0.1 * limit; };
  run(minutes_a_day - 60, vanished);
  EXPECT_GE(open_shards(), 4U) << "it may come back";
  run(minutes_a_day / 2, vanished);
  EXPECT_EQ(open_shards(), 1U);
  EXPECT_EQ(undone(), 0U);
}

TEST_P(ScaledWeeks, AHotKeyIsNamed) {
  std::vector<double> weights(1000, 1.0);
  weights[7] = 1000;
  start(Keys(weights), 2);
  run(minutes_a_day / 4, [](double /*minute*/) { return 4 * limit; });
  const reshard::Decision latest = decision();
  ASSERT_EQ(latest.hot_keys.size(), 1U);
  EXPECT_EQ(latest.hot_keys[0].key, "key 7");
  EXPECT_GT(latest.hot_keys[0].share, 0.8);
  EXPECT_LT(open_shards(), 10U) << "its shard is not split in vain";
}

INSTANTIATE_TEST_SUITE_P(, ScaledWeeks, testing::Values(Way::automatic, Way::on_demand),
                         [](const auto& of) { return of.param == Way::automatic ? "auto" : "onDemand"; });

}  // namespace
}  // namespace shardlog

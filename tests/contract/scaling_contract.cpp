// Scaling by load: what is measured and remembered, on every engine that counts exactly.

#include <map>

#include "contract/contract.h"
#include "shardlog/scaling/last_decision.h"
#include "shardlog/scaling/measure.h"
#include "shardlog/scaling/on_demand.h"
#include "shardlog/scaling/scale.h"

namespace shardlog::contract {
namespace {

using reshard::Load;
using reshard::Situation;

/// A stream that is a day old, at the start of a minute, and whose shards take 10 records a second.
class ScalingContract : public Contract {
 protected:
  static constexpr reshard::ScalingOptions options{.capacity = {10, 0}};

  ScalingContract() {
    create(2);
    stream_ = open();
    clock_.set(std::chrono::ceil<std::chrono::hours>(clock_.now()) + 24h);
  }

  /// One append of so many records with each of these keys, sorted by key.
  void put_keys(std::uint32_t shard, const std::vector<std::pair<std::string, std::size_t>>& keys) {
    std::vector<Record> records;
    for (const auto& [key, count] : keys) records.insert(records.end(), count, {"12345", key});
    const RoutedBatch batch{ShardId(shard), encode(records)};
    ASSERT_TRUE(std::holds_alternative<Stored>(stream_->append({{&batch, 1}}).at(0)));
  }
  void put_records(std::uint32_t shard, std::size_t count) { put_keys(shard, {{"k", count}}); }

  Situation measure(Duration window = reshard::first_window) {
    return scaling::measure(*stream_, stream_->describe(), options, window, clock_.now());
  }

  /// Records a second in each of the latest minutes.
  static std::vector<double> records_of(const Situation& situation, std::uint32_t shard) {
    std::vector<double> records;
    for (const Load& load : situation.measured.at(ShardId(shard)).minutes) records.push_back(load.records);
    return records;
  }

  /// The most records a second, by the hours before the running one.
  std::map<int, double> peaks_of(const Situation& situation, std::uint32_t shard) {
    std::map<int, double> peaks;
    const auto found = situation.measured.find(ShardId(shard));
    if (found == situation.measured.end()) return peaks;
    for (const auto& peak : found->second.peaks) {
      const auto ago = std::chrono::floor<std::chrono::hours>(clock_.now()) - peak.hour;
      double& most = peaks[static_cast<int>(ago / 1h)];
      most = std::max(most, peak.load.records);
    }
    return peaks;
  }

  std::unique_ptr<Stream> stream_;
};

TEST_P(ScalingContract, MeasuresTheLatestWholeMinutes) {
  put_records(0, 60);  // the 15th minute before the end
  clock_.step(13min);
  put_keys(1, {{"key", 120}});
  clock_.step(1min);
  put_records(0, 180);
  clock_.step(1min);
  put_records(0, 6000);  // the running minute
  clock_.step(59s);
  std::vector<double> expected(15);
  expected[0] = 1;
  expected[14] = 3;
  EXPECT_EQ(records_of(measure(), 0), expected);
  expected.assign(15, 0);
  expected[13] = 2;
  const Situation situation = measure();
  EXPECT_EQ(records_of(situation, 1), expected);
  EXPECT_EQ(situation.measured.at(shard(1)).minutes[13].bytes, 2.0 * (5 + 3)) << "data and keys";
}

TEST_P(ScalingContract, MeasuresAChildSinceItIsOpen) {
  clock_.step(10min + 1s);
  test::split(*stream_, 0);
  clock_.step(4min + 59s);
  put_records(2, 600);
  clock_.step(1min);
  const Situation situation = measure();
  EXPECT_EQ(records_of(situation, 2), (std::vector<double>{0, 0, 0, 0, 10}));
  EXPECT_EQ(records_of(situation, 3), std::vector<double>(5));
  EXPECT_EQ(records_of(situation, 1).size(), 15U);
  EXPECT_TRUE(!situation.measured.contains(shard(0)) || situation.measured.at(shard(0)).minutes.empty());
}

TEST_P(ScalingContract, KnowsTheBusiestMinuteOfEachHour) {
  put_records(0, 600);
  clock_.step(1min);
  put_records(0, 300);
  put_records(0, 360);
  clock_.step(2h);
  put_records(1, 60);
  test::split(*stream_, 0);
  clock_.step(20min);
  const Situation situation = measure();
  EXPECT_EQ(peaks_of(situation, 0), (std::map<int, double>{{2, 11}})) << "closed";
  EXPECT_EQ(peaks_of(situation, 1), (std::map<int, double>{{0, 1}}));
  EXPECT_EQ(peaks_of(situation, 2), (std::map<int, double>{{0, 0}}));
  clock_.step(24h);
  EXPECT_EQ(peaks_of(measure(), 0).count(26), 0U) << "not within the window";
  EXPECT_EQ(peaks_of(measure(48h), 0), (std::map<int, double>{{26, 11}}));
}

TEST_P(ScalingContract, MeasuresADayOnlyWhereNeighboursAreQuiet) {
  put_records(0, 600);
  clock_.step(1h);
  for (int minute = 0; minute < 15; ++minute) {
    put_records(1, 300);
    clock_.step(1min);
  }
  EXPECT_EQ(peaks_of(measure(), 0), (std::map<int, double>{{0, 0}})) << "there is nothing to merge it with";
  EXPECT_EQ(peaks_of(measure(), 1), (std::map<int, double>{{0, 5}}));
  clock_.step(15min);
  EXPECT_EQ(peaks_of(measure(), 0), (std::map<int, double>{{0, 0}, {1, 10}}));
}

TEST_P(ScalingContract, SamplesKeysAsOftenAsTheyCome) {
  put_keys(0, {{"rare", 1000}, {"common", 9000}});
  clock_.step(5min);
  for (int i = 0; i < 30; ++i) put_keys(0, {{"small", 1000}});
  put_keys(1, {{"other", 500}});
  clock_.step(1min);
  std::map<std::string, std::size_t> counts;
  std::size_t all = 0;
  for (const auto& sample : measure().sample(shard(0))) {
    EXPECT_EQ(sample.hash, HashKey::of(sample.key));
    EXPECT_EQ(sample.bytes, 5 + sample.key.size());
    ++counts[sample.key];
    ++all;
  }
  EXPECT_EQ(counts, (std::map<std::string, std::size_t>{{"rare", 50}, {"common", 450}, {"small", 1500}}));
  EXPECT_EQ(all, 2000U);
  EXPECT_EQ(measure().sample(shard(1)).size(), 500U) << "all that there are";
}

TEST_P(ScalingContract, SamplesRecordsAsTheyWereRouted) {
  const std::vector<Record> records{
      {"none", std::nullopt}, {"explicit", "k", HashKey(7)}, {"", std::nullopt, HashKey(8)}};
  const RoutedBatch batch{shard(0), encode(records)};
  stream_->append({{&batch, 1}});
  clock_.step(1min);
  const auto samples = measure().sample(shard(0));
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].hash, std::nullopt);
  EXPECT_EQ(samples[1].hash, HashKey(7));
  EXPECT_EQ(samples[1].key, "k");
  EXPECT_EQ(samples[2].hash, HashKey(8));
  EXPECT_EQ(samples[2].key, "hash key 8");
}

TEST_P(ScalingContract, OfTwoWhoDecideAtOnceTheSecondDecidesAgain) {
  for (int minute = 0; minute < 16; ++minute) {
    put_keys(0, {{"a", 300}, {"c", 300}});  // both are in shard 0
    clock_.step(1min);
  }
  const auto decide = [&](Stream& stream) {
    const StreamDescription described = stream.describe();
    const auto state = scaling::last_decision(described.attributes).state;
    return reshard::scale_by_load(scaling::measure(stream, described, options, state.window, clock_.now()), options,
                                  state);
  };
  const auto other = open();
  const ShardMap::Version version = stream_->describe().map.version();
  const reshard::Decision first = decide(*stream_);
  const reshard::Decision second = decide(*other);
  ASSERT_EQ(first.plan.size(), 1U) << first.reason;
  ASSERT_EQ(second.plan.size(), 1U) << second.reason;
  EXPECT_TRUE(stream_->resharding().apply(first.plan[0].step, version, scaling::remember(first)));
  EXPECT_FALSE(other->resharding().apply(second.plan[0].step, version, scaling::remember(second)));
  EXPECT_EQ(scaling::last_decision(other->describe().attributes).state, first.state);
  const reshard::Decision again = decide(*other);
  EXPECT_TRUE(again.plan.empty());
  EXPECT_EQ(again.reason, "the latest decision is 0 minutes old, and there is at most one in 15 minutes");
}

TEST_P(ScalingContract, AWriterOfAnOnDemandStreamLooksOnceAMinute) {
  const auto carry = [&](int minutes) {
    for (int minute = 0; minute < minutes; ++minute) {
      put_keys(0, {{"a", 16'000}, {"c", 16'000}});  // 53 % of 1000 records a second
      clock_.step(1min);
    }
  };
  const auto open_shards = [&] { return open()->describe().map.open_shards().size(); };
  carry(16);
  scaling::OnDemand writer(*stream_, stream_->describe(), clock_);
  writer.tend();
  carry(1);
  writer.tend();
  EXPECT_EQ(open_shards(), 2U) << "provisioned";
  stream_->maintenance().update({.mode = Mode::on_demand});
  writer.tend();
  EXPECT_EQ(open_shards(), 2U) << "it has looked in this minute";
  put_keys(0, {{"a", 1}});
  scaling::OnDemand(*stream_, stream_->describe(), clock_).tend();
  EXPECT_EQ(open_shards(), 2U) << "another has written in this minute";
  carry(1);
  writer.tend();
  EXPECT_EQ(open_shards(), 3U);
}

TEST_P(ScalingContract, TakesTheCapacityOfAShardFromTheLimitsOfTheStream) {
  const auto capacity_of = [this](const capacity::Limits& limits) {
    StreamDescription described = stream_->describe();
    described.settings.limits = limits;
    const Load load = scaling::capacity_of(described);
    return std::pair(load.records, load.bytes);
  };
  EXPECT_EQ(capacity_of({.write_records = 50, .write_bytes = 4096}), std::pair(50.0, 4096.0));
  EXPECT_EQ(capacity_of({.write_records = 50}), std::pair(50.0, 0.0)) << "any number of bytes";
  EXPECT_EQ(capacity_of({}), std::pair(1000.0, 1048576.0)) << "as one of Kinesis";
  EXPECT_EQ(capacity_of({.read_calls = 7}), std::pair(1000.0, 1048576.0)) << "nothing limits what it takes in";
}

std::vector<Subject> counting(bool exactly) {
  std::vector<Subject> found = subjects();
  std::erase_if(found, [&](const Subject& each) { return each.make()->capabilities().exact_counts != exactly; });
  return found;
}

/// Hours and days go by in these tests.
std::vector<Subject> counting_by_our_clock() {
  std::vector<Subject> found = counting(true);
  std::erase_if(found, [](const Subject& each) { return !each.make()->capabilities().clock_of_caller; });
  return found;
}

INSTANTIATE_TEST_SUITE_P(Of, ScalingContract, testing::ValuesIn(counting_by_our_clock()), name_of);

class UncountedContract : public Contract {};

TEST_P(UncountedContract, CannotBeScaledByLoad) {
  create();
  const auto stream = open();
  EXPECT_EQ(refusal([&] { scaling::decide(*stream, stream->describe(), {}, clock_.now()); }), ErrorCode::usage);
}

INSTANTIATE_TEST_SUITE_P(Of, UncountedContract, testing::ValuesIn(counting(false)), name_of);

TEST(LastDecision, IsRemembered) {
  reshard::Decision decision{.plan = {}, .state = {Timestamp(5s), 48h}, .hot_keys = {}, .reason = "because it is so"};
  const auto remembered = [&] {
    Attributes attributes{{"other", "1"}};
    change_values(attributes, scaling::remember(decision));
    return scaling::last_decision(attributes);
  };
  EXPECT_EQ(remembered().state, decision.state);
  EXPECT_EQ(remembered().reason, decision.reason);
  decision.reason = std::string(999, 'x') + "é";
  EXPECT_EQ(remembered().reason, std::string(999, 'x')) << "no half characters";
  EXPECT_EQ(scaling::last_decision({}).state, reshard::ScalingState{}) << "there was none";
}

TEST(LastDecision, ThatNobodyCanHaveMadeIsDamage) {
  for (const char* const value :
       {"", "x", "5", "5 86400000000", "-5 86400000000 y", "5 86399999999 y", "5 2592000000001 y", "5 x y"}) {
    EXPECT_EQ(refusal([&] { scaling::last_decision({{"shardlog.scaling", value}}); }), ErrorCode::corrupt) << value;
  }
}

}  // namespace
}  // namespace shardlog::contract

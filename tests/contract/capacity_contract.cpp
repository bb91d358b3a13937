#include "contract/contract.h"
#include "shardlog/core/uuid.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/producer.h"
#include "shardlog/producing/writer.h"

namespace shardlog::contract {
namespace {

using capacity::Slice;
using capacity::Step;

/// A stream whose shards take ten records a second each. Time stands still.
class CapacityContract : public Contract {
 protected:
  CapacityContract() {
    clock_.freeze();
    if (!can().limits) return;
    CreateOptions options = test::of_shards(2);
    options.settings.limits.write_records = 10;
    create(options);
    stream_ = open();
  }

  void SetUp() override {
    if (!can().limits) GTEST_SKIP() << "this engine has no limits";
  }

  static std::vector<Step> records(std::size_t count, std::uint32_t number = 0) {
    return std::vector<Step>(count, Step{{shard(number), 1, 1}});
  }

  Slice reserve(std::size_t count, std::uint32_t number = 0) {
    return stream_->write_capacity().reserve(records(count, number), {});
  }

  Outcome append(const Lines& data, std::uint32_t number = 0) {
    const RoutedBatch batch = test::batch_of(number, data);
    return stream_->append({{&batch, 1}}).at(0);
  }

  std::unique_ptr<Stream> stream_;
};

TEST_P(CapacityContract, WhatNobodyReservedIsChargedWholeWhileThereIsAnyCapacity) {
  EXPECT_TRUE(std::holds_alternative<Stored>(append(Lines(9, "a"))));
  EXPECT_TRUE(std::holds_alternative<Stored>(append(Lines(6, "b")))) << "0.1 s worth is left, which is above nothing";
  const auto throttled = std::get<Throttled>(append({"c"}));
  EXPECT_TRUE(throttled.records);
  EXPECT_FALSE(throttled.bytes);
  EXPECT_GE(throttled.retry_after, 500ms) << "five records more than a second's worth";
  EXPECT_LT(throttled.retry_after, 501ms);
  EXPECT_TRUE(std::holds_alternative<Stored>(append({"d"}, 1))) << "another shard";
  clock_.let_pass(throttled.retry_after);
  EXPECT_TRUE(std::holds_alternative<Stored>(append({"e"})));
  EXPECT_EQ(data(*stream_, {shard(0)}).size(), 16U) << "what is throttled is not stored";
}

TEST_P(CapacityContract, AnAppendIsThrottledWholeIfOneOfItsShardsIs) {
  append(Lines(10, "a"));
  const std::vector<RoutedBatch> batches = [] {
    std::vector<RoutedBatch> both;
    both.push_back(test::batch_of(0, {"b"}));
    both.push_back(test::batch_of(1, {"c"}));
    return both;
  }();
  for (const Outcome& outcome : stream_->append({batches})) EXPECT_TRUE(std::holds_alternative<Throttled>(outcome));
  EXPECT_EQ(data(*stream_).size(), 10U);
  EXPECT_EQ(reserve(20, 1).steps, 10U) << "nothing of it was charged";
}

TEST_P(CapacityContract, AShardWithoutCapacityHoldsUpNoRecordOfAnother) {
  for (int i = 0; i < 3; ++i) reserve(100);
  const SystemClock time_of_waiting;
  producing::Producer producer(*stream_, time_of_waiting);
  const std::vector<Record> records{{"a", "k", HashKey(0)}, {"b", "k", max_hash_key}, {"c", "k", HashKey(1)}};
  const auto outcomes = producer.put(records, {}, 20ms);
  EXPECT_EQ(std::get<producing::RecordNotStored>(outcomes.at(0)).code, ErrorCode::busy);
  EXPECT_EQ(std::get<producing::RecordStored>(outcomes.at(1)).shard, shard(1));
  EXPECT_EQ(std::get<producing::RecordNotStored>(outcomes.at(2)).reason, "over the shard's limit of records a second");
  EXPECT_EQ(data(*stream_), Lines{"b"});
  EXPECT_EQ(reserve(20, 1).steps, 9U) << "it was charged once";
}

TEST_P(CapacityContract, AllThatHaveTheStreamOpenReserveFromTheSameShards) {
  EXPECT_EQ(reserve(100).steps, 10U);
  const auto other = open();
  const Slice second = other->write_capacity().reserve(records(100), {});
  EXPECT_EQ(second.steps, 1U) << "100 ms' worth";
  EXPECT_EQ(second.wait, 100ms);
  EXPECT_EQ(reserve(100).wait, 190ms) << "after it, 90 ms' worth: an instalment";
}

TEST_P(CapacityContract, WhatIsReservedIsStoredWhateverTheCapacityIsNow) {
  reserve(100);
  reserve(100);
  const RoutedBatch batch = test::batch_of(0, {"a"});
  const auto appended = stream_->write_capacity().append({{&batch, 1}}, {}, {});
  EXPECT_TRUE(std::holds_alternative<Stored>(appended.outcomes.at(0)));
  EXPECT_EQ(appended.next.steps, 0U);
  EXPECT_EQ(data(*stream_), Lines{"a"});
}

TEST_P(CapacityContract, TheCommitThatStoresASliceReservesTheNext) {
  EXPECT_EQ(reserve(10).steps, 10U);
  const RoutedBatch batch = test::batch_of(0, Lines(10, "a"));
  const auto appended = stream_->write_capacity().append({{&batch, 1}}, records(5), {});
  EXPECT_EQ(appended.next.steps, 1U);
  EXPECT_EQ(appended.next.wait, 100ms);
}

TEST_P(CapacityContract, NothingIsReservedByAnAppendThatIsNotStored) {
  const ShardMap before = stream_->describe().map;
  test::split(*open(), 0);
  const RoutedBatch batch = test::batch_of(0, {"a"});
  const auto appended = stream_->write_capacity().append({{&batch, 1}}, records(5, 1), {});
  EXPECT_TRUE(std::holds_alternative<Sealed>(appended.outcomes.at(0)));
  EXPECT_EQ(appended.next.steps, 0U);
  EXPECT_EQ(reserve(100, 1).steps, 10U);
}

TEST_P(CapacityContract, ChildrenTakeOverTheDebtOfTheirParents) {
  reserve(10);
  EXPECT_EQ(reserve(1).wait, 100ms);
  test::split(*open(), 0);
  EXPECT_EQ(reserve(1, 2).wait, 190ms) << "an instalment of 90 ms' worth, after 100 ms";
  test::merge(*open(), 3, 1);
  EXPECT_EQ(reserve(100, 4).steps, 9U) << "a full shard, less 100 ms of debt";
}

TEST_P(CapacityContract, WhatAClosedShardNeedsIsChargedToThoseThatTookOver) {
  test::split(*open(), 0);
  const Step step{{shard(0), 8, 0}};
  EXPECT_EQ(stream_->write_capacity().reserve({&step, 1}, {}).steps, 1U);
  EXPECT_EQ(reserve(100, 2).steps, 6U);
  EXPECT_EQ(reserve(100, 3).steps, 6U);
}

TEST_P(CapacityContract, AStepOfManyShardsIsStoredWholeAndPaidInInstalments) {
  const Step step{{shard(0), 30, 0}, {shard(1), 5, 0}};
  capacity::Seconds paid;
  Duration waited{0};
  std::size_t instalments = 0;
  while (true) {
    const Slice slice = stream_->write_capacity().reserve({&step, 1}, paid);
    waited += slice.wait;
    clock_.let_pass(slice.wait);
    if (slice.steps > 0) break;
    ASSERT_LT(++instalments, 30U);
    paid = slice.instalment;
  }
  EXPECT_NEAR(static_cast<double>(waited.count()), 2e6, 1e3) << "30 records are 3 s' worth, one of which was there";
  EXPECT_EQ(reserve(100, 1).steps, 10U) << "the other shard has earned its part again";
}

TEST_P(CapacityContract, TimeThatJumpsBlocksNobodyAndLetsNobodyThroughForMoreThanASecond) {
  reserve(10);
  reserve(1);
  clock_.step_since_boot(-1h);
  EXPECT_LE(reserve(1).wait, 200ms);
  clock_.step_since_boot(10h);
  EXPECT_EQ(reserve(100).steps, 10U);
  clock_.boot_again();
  EXPECT_EQ(reserve(100).steps, 10U) << "a second's worth";
  clock_.step(-24h);  // the wall clock
  EXPECT_EQ(reserve(1).wait, 100ms);
  clock_.step(48h);
  EXPECT_EQ(reserve(1).wait, 190ms);
}

TEST_P(CapacityContract, LimitsAreChangedUnderThoseThatHaveTheStreamOpen) {
  reserve(10);
  SettingsChange none;
  none.limits.write_records = std::optional<std::uint64_t>();
  open()->maintenance().update(none);
  EXPECT_EQ(stream_->describe().settings.limits, capacity::Limits());
  EXPECT_EQ(reserve(1000).steps, 1000U);
  EXPECT_TRUE(std::holds_alternative<Stored>(append(Lines(100, "a"))));
  SettingsChange bytes;
  bytes.limits.write_bytes = 100'000;
  open()->maintenance().update(bytes);
  clock_.let_pass(1s);
  append({std::string(100'000, 'x')});
  const auto throttled = std::get<Throttled>(append({"y"}));
  EXPECT_TRUE(throttled.bytes);
  EXPECT_FALSE(throttled.records);
}

TEST_P(CapacityContract, LimitsMustLetTheLargestRecordThrough) {
  const auto refused = [&](const capacity::Limits& limits, std::uint64_t record = default_max_record_size) {
    SettingsChange change;
    change.max_record_size = record;
    change.limits.write_records = limits.write_records;
    change.limits.write_bytes = limits.write_bytes;
    return refusal([&] { stream_->maintenance().update(change); });
  };
  EXPECT_EQ(refused({.write_records = 0}), ErrorCode::usage);
  EXPECT_EQ(refused({.write_bytes = 17'476}), ErrorCode::usage) << "60 times that are 16 bytes less than 1 MiB";
  EXPECT_EQ(refused({.write_bytes = 17'477}), std::nullopt);
  EXPECT_EQ(refused({.write_bytes = 18}, 1024), std::nullopt);
}

TEST_P(CapacityContract, AWriterReservesWhatItStores) {
  const auto count_in_a_commit = [&](std::size_t count) {
    const StreamDescription described = stream_->describe();
    producing::Packer packer(described.map, Compression::none, false);
    const std::vector<std::string> keys(count, "k");
    for (const std::string& key : keys) packer.add({key, key});
    packer.flush();
    producing::Writer writer(*stream_, described, Sync::full);
    writer.store(packer.take()).check();
  };
  count_in_a_commit(10);
  const std::uint32_t number =
      stream_->describe().map.open_shards().at(stream_->describe().map.open_index_of(HashKey::of("k"))).number();
  EXPECT_EQ(reserve(1, number).wait, 100ms) << "the shard is empty";
}

/// A stream whose shards give ten calls and 1000 bytes a second each. Time stands still.
class ReadCapacityContract : public Contract {
 protected:
  ReadCapacityContract() {
    clock_.freeze();
    if (!can().limits) return;
    CreateOptions options = test::of_shards(2);
    options.settings.limits.read_calls = 10;
    options.settings.limits.read_bytes = 1000;
    create(options);
    stream_ = open();
  }

  void SetUp() override {
    if (!can().limits) GTEST_SKIP() << "this engine has no limits";
  }

  static capacity::Seconds top_up(Stream& stream, const capacity::Seconds& held = {}, std::uint32_t number = 0) {
    ReadCapacity::Share share{shard(number), held};
    stream.read_capacity().top_up({&share, 1});
    return share.held;
  }

  void give_back(const capacity::Seconds& held) {
    const ReadCapacity::Share share{shard(0), held};
    stream_->read_capacity().give_back({&share, 1});
  }

  std::unique_ptr<Stream> stream_;
};

TEST_P(ReadCapacityContract, AllThatHaveTheStreamOpenShareAShard) {
  const auto other = open();
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{1, 1}));
  EXPECT_EQ(top_up(*other), (capacity::Seconds{0, 0}));
  EXPECT_EQ(top_up(*other, {}, 1), (capacity::Seconds{1, 1})) << "another shard";
  clock_.let_pass(500ms);
  EXPECT_EQ(top_up(*other, {0.75, -2}), (capacity::Seconds{1, -1.5})) << "no more than a second's worth is held";
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0.25, 0}));
}

TEST_P(ReadCapacityContract, ToppingUpManyShardsTakesFromEach) {
  top_up(*stream_, {}, 1);
  std::vector<ReadCapacity::Share> shares{{shard(0), {}}, {shard(1), {0.5, 0.5}}};
  EXPECT_EQ(stream_->read_capacity().top_up(shares), stream_->describe().settings.limits);
  EXPECT_EQ(shares[0].held, (capacity::Seconds{1, 1}));
  EXPECT_EQ(shares[1].held, (capacity::Seconds{0.5, 0.5}));
}

TEST_P(ReadCapacityContract, ConsumersThatOwnLeasesOfAShardShareIt) {
  const auto consume = [&](const std::string& name, std::vector<Lease> leases) {
    const Consumer consumer{name, make_uuid(), 1, clock_.now(), std::move(leases)};
    ASSERT_TRUE(stream_->leases().replace(std::nullopt, consumer));
  };
  const LeaseOwner owner{"w", "p", 10s};
  for (const std::string name : {"a", "b", "c", "d"}) {
    consume(name, {{.shard = shard(0), .owner = owner}, {.shard = shard(1), .owner = std::nullopt}});
  }
  top_up(*stream_);
  top_up(*stream_, {}, 1);
  clock_.let_pass(250ms);
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0.25, 0.25})) << "a second's worth is 0.25 for each of four";
  EXPECT_EQ(top_up(*stream_, {}, 1), (capacity::Seconds{0.25, 0.25}));
  clock_.let_pass(250ms);
  const auto takes = [&](std::uint32_t number) {
    ReadCapacity::Share share{shard(number), {}, 500ms};
    stream_->read_capacity().top_up({&share, 1});
    return share.held;
  };
  EXPECT_EQ(takes(0), (capacity::Seconds{0.125, 0.125}));
  EXPECT_EQ(takes(1), (capacity::Seconds{0.25, 0.25})) << "nobody owns a lease of it";
}

TEST_P(ReadCapacityContract, WhatAConsumerHoldsOrOwesGoesBackToTheShard) {
  top_up(*stream_);
  give_back({0.5, -0.5});
  EXPECT_EQ(top_up(*open()), (capacity::Seconds{0.5, 0}));
  clock_.let_pass(750ms);
  EXPECT_EQ(top_up(*open()), (capacity::Seconds{0.75, 0.25}));
}

TEST_P(ReadCapacityContract, TimeThatJumpsBlocksNobodyAndLetsNobodyThroughForMoreThanASecond) {
  top_up(*stream_);
  clock_.step_since_boot(-1h);
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0, 0}));
  clock_.let_pass(250ms);
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0.25, 0.25}));
  clock_.step_since_boot(10h);
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{1, 1}));
  clock_.boot_again();
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{1, 1}));
}

TEST_P(ReadCapacityContract, ReadingIsPaidForBesideWriting) {
  top_up(*stream_);
  put(*stream_, 0, Lines(100, "a"));
  SettingsChange change;
  change.limits.write_records = 10;
  open()->maintenance().update(change);
  const Step step{{shard(0), 10, 0}};
  EXPECT_EQ(stream_->write_capacity().reserve({&step, 1}, {}).wait, 0s);
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0, 0}));
}

TEST_P(ReadCapacityContract, AReaderSeesTheLimitsOfItsLastLook) {
  const auto reader = stream_->read({.shards = {}, .until = {}, .follow = true});
  reader->next(test::any_budget);
  EXPECT_EQ(reader->limits().read_calls, 10U);
  SettingsChange none;
  none.limits.read_calls = std::optional<std::uint64_t>();
  none.limits.read_bytes = std::optional<std::uint64_t>();
  open()->maintenance().update(none);
  reader->next(test::any_budget);
  EXPECT_EQ(reader->limits(), capacity::Limits());
  EXPECT_EQ(top_up(*stream_), (capacity::Seconds{0, 0})) << "without limits nothing is taken";
}

INSTANTIATE_TEST_SUITE_P(Of, ReadCapacityContract, testing::ValuesIn(subjects()), name_of);

INSTANTIATE_TEST_SUITE_P(Of, CapacityContract, testing::ValuesIn(subjects()), name_of);

using NoLimitsContract = Contract;

TEST_P(NoLimitsContract, AnEngineWithoutLimitsRefusesThem) {
  if (can().limits) GTEST_SKIP() << "this engine has limits";
  CreateOptions options;
  options.settings.limits = capacity::kinesis_limits();
  EXPECT_EQ(refusal([&] { create(options); }), ErrorCode::usage);
}

TEST_P(NoLimitsContract, WithoutLimitsEverythingIsReservedAtOnce) {
  create();
  const auto stream = open();
  const std::vector<Step> steps(1000, Step{{shard(0), 1'000'000, 1'000'000'000}});
  const Slice slice = stream->write_capacity().reserve(steps, {});
  EXPECT_EQ(slice.steps, 1000U);
  EXPECT_EQ(slice.wait, 0s);
  const RoutedBatch batch = test::batch_of(0, {"a"});
  EXPECT_EQ(stream->write_capacity().append({{&batch, 1}}, steps, {}).next.steps, 1000U);
  ReadCapacity::Share share{shard(0), {}};
  EXPECT_EQ(stream->read_capacity().top_up({&share, 1}), capacity::Limits());
}

INSTANTIATE_TEST_SUITE_P(Of, NoLimitsContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract

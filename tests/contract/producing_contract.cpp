#include <algorithm>
#include <set>
#include <thread>

#include "contract/contract.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/producer.h"
#include "shardlog/producing/writer.h"
#include "support/memory_engine.h"

namespace shardlog::contract {
namespace {

using producing::RecordNotStored;
using producing::RecordStored;

/// Puts records by their keys, while what a test wants happens to the stream.
class ProducingContract : public TwoShards {
 protected:
  /// Records "0" to "n-1", whose keys are their data.
  producing::Packed packed(std::size_t count) {
    data_.clear();
    for (std::size_t i = 0; i < count; ++i) data_.push_back(std::to_string(i));
    const StreamDescription described = stream_->describe();
    producing::Packer packer(described.map, Compression::none, true);
    for (const std::string& each : data_) packer.add({each, each});
    packer.flush();
    return packer.take();
  }

  /// What was stored at each place, as it is read.
  void expect_in_place(const producing::Written& written) {
    std::map<std::pair<std::uint32_t, std::string>, test::Delivered> read;
    for (const auto& record : test::read(*open(Access::read))) read[{record.shard, record.sequence}] = record;
    ASSERT_EQ(written.packed.places.size(), data_.size());
    ASSERT_EQ(read.size(), data_.size()) << "each once";
    for (std::size_t i = 0; i < data_.size(); ++i) {
      const auto outcome = written.of(written.packed.places[i]);
      const auto& stored = std::get<RecordStored>(outcome);
      const auto& record = read[{stored.shard.number(), stored.sequence.to_string()}];
      EXPECT_EQ(record.data, data_[i]);
      EXPECT_TRUE(is_arrival(stored.arrived_at, record.arrived_at));
      const ShardMap map = stream_->describe().map;
      EXPECT_TRUE(map.at(stored.shard).range.contains(HashKey::of(data_[i])));
    }
  }

  Lines data_;
};

TEST_P(ProducingContract, StoresAllWithTheirPlaces) {
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const auto written = writer.store(packed(20));
  written.check();
  expect_in_place(written);
}

TEST_P(ProducingContract, RoutesAgainWhatMeetsAClosedShard) {
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  auto records = packed(40);
  test::split(*open(), 0);
  test::split(*open(), 1);
  test::merge(*open(), 3, 4);
  const auto written = writer.store(std::move(records));
  written.check();
  EXPECT_EQ(writer.map().version(), stream_->describe().map.version());
  expect_in_place(written);
}

TEST_P(ProducingContract, OfManyCallersTellsEachOfItsOwnRecords) {
  producing::Producer producer(*stream_, clock_);
  std::vector<std::jthread> callers;
  std::vector<std::vector<producing::RecordOutcome>> outcomes(4);
  for (std::size_t caller = 0; caller < outcomes.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 5; ++i) {
        const std::string text = std::to_string(caller) + ":" + std::to_string(i);
        const Record record{text, text};
        for (auto& outcome : producer.put({&record, 1})) outcomes[caller].push_back(std::move(outcome));
      }
    });
  }
  callers.clear();
  std::map<std::pair<std::uint32_t, std::string>, std::string> read;
  for (const auto& record : test::read(*open(Access::read))) read[{record.shard, record.sequence}] = record.data;
  EXPECT_EQ(read.size(), 20U);
  for (std::size_t caller = 0; caller < outcomes.size(); ++caller) {
    for (std::size_t i = 0; i < 5; ++i) {
      const auto& stored = std::get<RecordStored>(outcomes[caller].at(i));
      const std::string data = read[{stored.shard.number(), stored.sequence.to_string()}];
      EXPECT_EQ(data, std::to_string(caller) + ":" + std::to_string(i));
    }
  }
}

TEST_P(ProducingContract, RefusesARecordByItself) {
  producing::Producer producer(*stream_, clock_);
  const std::string large(default_max_record_size + 1, 'x');
  const std::vector<Record> records{{"a", "k"}, {large, "k"}, {"b", "k"}};
  const auto outcomes = producer.put(records);
  EXPECT_TRUE(std::holds_alternative<RecordStored>(outcomes.at(0)));
  EXPECT_EQ(std::get<RecordNotStored>(outcomes.at(1)).code, ErrorCode::malformed);
  EXPECT_TRUE(std::holds_alternative<RecordStored>(outcomes.at(2)));
  EXPECT_EQ(data(*open()), (Lines{"a", "b"}));
}

TEST_P(ProducingContract, MeasuresHowLongEachRecordTook) {
  if (!can().metrics) GTEST_SKIP();
  {
    producing::Producer producer(*stream_, clock_);
    const std::string large(default_max_record_size + 1, 'x');
    producer.put(std::vector<Record>{{"a", "k"}, {large, "k"}, {"b", "k"}});
    producer.put(std::vector<Record>{{"c", std::nullopt}});
  }
  const auto periods = stream_->metrics().history(clock_.now() - 1h, clock_.now() + 1h);
  metrics::Histogram put;
  for (const auto& each : periods) put.add(each.measures.put);
  EXPECT_EQ(put.count(), 3U) << "those that are stored";
  EXPECT_GT(put.max(), 0us);
}

TEST_P(ProducingContract, CountsWhatHadToWaitForCapacity) {
  if (!can().metrics || !can().limits) GTEST_SKIP();
  SettingsChange change;
  change.limits.write_records = 100;
  stream_->maintenance().update(change);
  {
    producing::Producer producer(*stream_, clock_);
    // A shard saves up a second's worth at most, so more than that waits however slow the machine is.
    producer.put(std::vector<Record>(110, {"a", "k"}));
    producer.put(std::vector<Record>(101, {"a", "k"}));
  }
  metrics::Counts throttled;
  for (const auto& period : stream_->metrics().history(clock_.now() - 1h, clock_.now() + 1h)) {
    for (const auto& [id, counts] : period.measures.shards) throttled += counts.throttled;
  }
  EXPECT_EQ(throttled, (metrics::Counts{211, 211 * 2, 2})) << "of data and keys";
}

TEST_P(ProducingContract, OfRecordsOverTheLimitStoresThoseThatFindCapacityInTime) {
  if (!can().limits) GTEST_SKIP();
  SettingsChange change;
  change.limits.write_records = 1000;
  stream_->maintenance().update(change);
  producing::Producer producer(*stream_, clock_);
  const ShardMap map = stream_->describe().map;
  const ShardId id = map.open_shards()[map.open_index_of(HashKey::of("k"))];
  const auto other = open();
  const std::vector<capacity::Step> much(2000, {{id, 1, 0}});
  // Another writer has taken what there was, and more than there will be in half of the time.
  while (other->write_capacity().reserve(much, {}).wait < 300ms) {
  }
  const auto outcomes = producer.put(std::vector<Record>(300, {"a", "k"}), {}, 500ms);
  const auto is_stored = [](const auto& outcome) { return std::holds_alternative<RecordStored>(outcome); };
  const auto end = std::find_if_not(outcomes.begin(), outcomes.end(), is_stored);
  EXPECT_GT(end - outcomes.begin(), 0);
  EXPECT_LT(end - outcomes.begin(), 250) << "what was allotted to it";
  EXPECT_TRUE(std::none_of(end, outcomes.end(), is_stored)) << "the first ones are stored";
  EXPECT_EQ(std::get<RecordNotStored>(outcomes.back()).reason, "over the shard's limit of records a second");
  EXPECT_EQ(data(*open()).size(), static_cast<std::size_t>(end - outcomes.begin()));
}

INSTANTIATE_TEST_SUITE_P(Of, ProducingContract, testing::ValuesIn(subjects()), name_of);

std::vector<Subject> in_memory() {
  std::vector<Subject> all = subjects();
  std::erase_if(all, [](const Subject& subject) { return !subject.name.starts_with("Memory"); });
  return all;
}

/// With outcomes that the embedded engine has not got.
class OutcomeContract : public ProducingContract {
 protected:
  OutcomeContract() : store_(dynamic_cast<test::MemoryEngine&>(*engine_).store(address())) {}

  std::shared_ptr<test::MemoryStore> store_;
};

TEST_P(OutcomeContract, ThrottledIsTriedAgainAndNothingElseIs) {
  int throttled = 2;
  std::map<ShardId, int> tries;
  store_->on_append = [&](const RoutedBatch& batch) -> std::optional<Outcome> {
    ++tries[batch.shard];
    if (batch.shard != shard(1) || throttled-- <= 0) return std::nullopt;
    return Throttled{.records = true, .retry_after = 1us};
  };
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const auto written = writer.store(packed(20));
  written.check();
  expect_in_place(written);
  EXPECT_EQ(tries[shard(1)], 3);
  EXPECT_EQ(tries[shard(0)], can().atomic_append ? 3 : 1);
}

TEST_P(OutcomeContract, ThrottledIsReportedWhereAStopIsAskedFor) {
  std::stop_source stop;
  store_->on_append = [&](const RoutedBatch& /*batch*/) -> std::optional<Outcome> {
    stop.request_stop();
    return Throttled{.bytes = true, .retry_after = 1h};
  };
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const auto written = writer.store(packed(2), {}, stop.get_token());
  EXPECT_EQ(std::get<RecordNotStored>(written.of(written.packed.places.at(0))).code, ErrorCode::busy);
  EXPECT_EQ(refusal([&] { written.check(); }), ErrorCode::busy);
  EXPECT_EQ(data(*open()), Lines{});
}

TEST_P(OutcomeContract, UnknownAndRefusedAreReported) {
  Outcome fate = Unknown{"no answer"};
  store_->on_append = [&](const RoutedBatch& batch) {
    return batch.shard == shard(0) ? std::optional(fate) : std::nullopt;
  };
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  EXPECT_EQ(refusal([&] { writer.store(packed(20)).check(); }), ErrorCode::io);
  fate = Refused{ErrorCode::full, "no room"};
  const auto written = writer.store(packed(20));
  EXPECT_EQ(refusal([&] { written.check(); }), ErrorCode::full);
  std::size_t stored = 0;
  for (const auto& place : written.packed.places) {
    const auto outcome = written.of(place);
    if (std::holds_alternative<RecordStored>(outcome)) ++stored;
    if (const auto* const fault = std::get_if<RecordNotStored>(&outcome)) {
      EXPECT_EQ(fault->reason, "no room");
    }
  }
  EXPECT_EQ(stored > 0, !can().atomic_append) << "the other shard's";
}

TEST_P(OutcomeContract, AReshardBetweenTwoShardsOfAnAppendLosesAndDoublesNothing) {
  bool first = true;
  store_->on_append = [&](const RoutedBatch& batch) -> std::optional<Outcome> {
    if (batch.shard == shard(1) && std::exchange(first, false)) {
      test::split(*open(), 1);
      test::split(*open(), 0);
    }
    return std::nullopt;
  };
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const auto written = writer.store(packed(40));
  written.check();
  expect_in_place(written);
  EXPECT_EQ(data(*open(), {shard(0)}).empty(), can().atomic_append) << "stored before the other was found sealed";
}

INSTANTIATE_TEST_SUITE_P(Of, OutcomeContract, testing::ValuesIn(in_memory()), name_of);

class PartContract : public OutcomeContract {};

TEST_P(PartContract, StoredInPartTellsOfEachRecord) {
  store_->on_append = [](const RoutedBatch& batch) -> std::optional<Outcome> {
    StoredInPart part;
    for (std::uint32_t i = 0; i < batch.batch.record_count; ++i) {
      if (i % 2 == 0) {
        part.records.emplace_back(StoredInPart::Record{SequenceNumber(0), {}});
      } else {
        part.records.emplace_back(Throttled{.records = true});
      }
    }
    return part;
  };
  const RoutedBatch batch = test::batch_of(0, {"a", "b", "c"});
  const auto outcomes = stream_->append({{&batch, 1}});
  const auto& part = std::get<StoredInPart>(outcomes.at(0));
  const auto records = test::read(*open());
  EXPECT_EQ(test::data_of(records), (Lines{"a", "c"}));
  EXPECT_EQ(std::get<StoredInPart::Record>(part.records.at(0)).sequence.to_string(), records.at(0).sequence);
  EXPECT_EQ(std::get<StoredInPart::Record>(part.records.at(2)).arrived_at, records.at(1).arrived_at);
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const auto written = writer.store(packed(20));
  EXPECT_EQ(refusal([&] { written.check(); }), ErrorCode::busy);
  const auto stored = std::count_if(written.packed.places.begin(), written.packed.places.end(), [&](const auto& place) {
    return std::holds_alternative<RecordStored>(written.of(place));
  });
  EXPECT_EQ(static_cast<std::size_t>(stored) + 2, data(*open()).size());
}

INSTANTIATE_TEST_SUITE_P(Of, PartContract, testing::Values(subjects().back()), name_of);

}  // namespace
}  // namespace shardlog::contract

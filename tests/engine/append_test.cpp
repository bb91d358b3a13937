#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::append_all;
using test::batch_of;
using test::Delivered;
using test::read;
using test::refusal;

class Append : public test::StreamTest {
 protected:
  [[nodiscard]] Delivered record(std::uint32_t shard, const std::string& sequence, const std::string& data) const {
    return {shard, sequence, clock_.now(), data};
  }
};

TEST_F(Append, OfOneRecordIsRead) {
  create();
  EXPECT_EQ(put(*open_to_write(), 0, {"a"}), "1");
  EXPECT_EQ(read(*open_to_read()), std::vector{record(0, "1", "a")});
}

TEST_F(Append, OfAnEmptyRecordIsRead) {
  create();
  put(*open_to_write(), 0, {""});
  EXPECT_EQ(read(*open_to_read()), std::vector{record(0, "1", "")});
}

TEST_F(Append, KeepsKeysAndExplicitHashKeys) {
  create();
  const std::vector<Record> records{{"a", "key", HashKey(7)}, {"b", std::nullopt}};
  const RoutedBatch batch{ShardId(0), encode(records)};
  append_all(*open_to_write(), {&batch, 1}, Sync::full);
  const auto stream = open_to_read();
  const ReadResult result = stream->read({})->next(test::any_budget);
  ASSERT_EQ(result.batches.size(), 1U);
  const Record first = *result.batches[0].records.begin();
  EXPECT_EQ(first.key, "key");
  EXPECT_EQ(first.explicit_hash_key, HashKey(7));
}

TEST_F(Append, OfTheLargestRecordIsRead) {
  create();
  const std::string largest(largest_max_record_size, 'x');
  put(*open_to_write(), 0, {largest});
  EXPECT_EQ(lines(), Lines{largest});
}

TEST_F(Append, NumbersTheRecordsOfABatchWithoutGaps) {
  create();
  const auto writer = open_to_write();
  const RoutedBatch batch = batch_of(0, {"a", "b", "c"});
  const SequenceRun run = append_all(*writer, {&batch, 1}, Sync::full).value().at(0).sequences;
  EXPECT_EQ(run.size(), 3U);
  EXPECT_EQ(run[0].to_string(), "1");
  EXPECT_EQ(run.last().to_string(), "3");
  EXPECT_EQ(put(*writer, 0, {"d"}), "4");
}

TEST_F(Append, StoresManyBatchesInTheirOrder) {
  create(3);
  std::vector<RoutedBatch> batches;
  batches.push_back(batch_of(2, {"a", "b"}));
  batches.push_back(batch_of(0, {"c"}));
  batches.push_back(batch_of(2, {"d"}));
  const auto runs = append_all(*open_to_write(), batches, Sync::full).value();
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].sequences.last().to_string(), "2");
  EXPECT_EQ(runs[1].sequences[0].to_string(), "1");
  EXPECT_EQ(runs[2].sequences[0].to_string(), "3");
  EXPECT_EQ(read(*open_to_read()),
            (std::vector{record(2, "1", "a"), record(2, "2", "b"), record(0, "1", "c"), record(2, "3", "d")}));
  EXPECT_EQ(open_to_read()->describe().turn, 3U);
}

TEST_F(Append, OfNothingStoresNothing) {
  create();
  EXPECT_TRUE(append_all(*open_to_write(), {}, Sync::full).value().empty());
  EXPECT_EQ(open_to_read()->describe().turn, 0U);
}

TEST_F(Append, ToAnUnknownShardStoresNothingOfItsCommit) {
  create(2);
  const auto writer = open_to_write();
  std::vector<RoutedBatch> batches;
  batches.push_back(batch_of(1, {"a"}));
  batches.push_back(batch_of(2, {"b"}));
  EXPECT_NE(refusal([&] { append_all(*writer, batches, Sync::full); }), std::nullopt);
  EXPECT_EQ(open_to_read()->describe().turn, 0U);
  EXPECT_EQ(put(*writer, 1, {"c"}), "1");
}

TEST_F(Append, GoesOnWhereTheLastWriterStopped) {
  create(2);
  put(*open_to_write(), 0, {"a", "b"});
  const auto writer = open_to_write();
  EXPECT_EQ(put(*writer, 0, {"c"}), "3");
  EXPECT_EQ(put(*writer, 1, {"d"}), "1");
}

TEST_F(Append, IsRefusedToAStreamThatIsOpenForReading) {
  create();
  EXPECT_NE(refusal([&] { put(*open_to_read(), 0, {"a"}); }), std::nullopt);
  EXPECT_TRUE(lines().empty());
}

TEST_F(Append, GivesOneArrivalTimeToAllBatchesOfACommit) {
  create(2);
  std::vector<RoutedBatch> batches;
  batches.push_back(batch_of(0, {"a"}));
  batches.push_back(batch_of(1, {"b"}));
  append_all(*open_to_write(), batches, Sync::full).value();
  EXPECT_EQ(read(*open_to_read()), (std::vector{record(0, "1", "a"), record(1, "1", "b")}));
}

/// The arrivals of all records, as distances from the first.
std::vector<Duration> arrivals(Stream& stream) {
  std::vector<Duration> result;
  const auto records = read(stream);
  for (const Delivered& record : records) result.push_back(record.arrived_at - records.front().arrived_at);
  return result;
}

TEST_F(Append, KeepsArrivalsFromDecreasingWhenTheClockStepsBack) {
  create(2);
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  clock_.step(10s);
  put(*writer, 0, {"b"});
  clock_.step(-1h);
  put(*writer, 1, {"c"});
  clock_.step(1h + 1us);
  put(*writer, 0, {"d"});
  EXPECT_EQ(arrivals(*open_to_read()), (std::vector<Duration>{0s, 10s, 10s, 10s + 1us}));
}

TEST_F(Append, KeepsArrivalsFromDecreasingFromWriterToWriter) {
  create();
  const auto other = open_to_write();
  put(*other, 0, {"a"});
  clock_.step(10s);
  put(*open_to_write(), 0, {"b"});
  clock_.step(-1h);
  put(*other, 0, {"c"});
  put(*open_to_write(), 0, {"d"});
  EXPECT_EQ(arrivals(*open_to_read()), (std::vector<Duration>{0s, 10s, 10s, 10s}));
}

TEST_F(Append, WorksUnderAClockBeforeTheEpoch) {
  create();
  clock_.set(Timestamp(-1h));
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  clock_.step(-1h);
  put(*writer, 0, {"b"});
  EXPECT_EQ(lines(), (Lines{"a", "b"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

/// Batches that ask for the arrival that they had in another stream.
class Copied : public test::StreamTest {
 protected:
  /// Stores it, and returns the arrival that it got, as a distance from the clock at the start.
  Duration copy(Stream& stream, std::uint32_t shard, Duration arrived) {
    RoutedBatch batch = batch_of(shard, {"a", "b"});
    batch.arrived_at = start_ + arrived;
    const Timestamp stored = append_all(stream, {&batch, 1}, Sync::normal).value().at(0).arrivals[0];
    EXPECT_EQ(read(stream).back().arrived_at, stored);
    return stored - start_;
  }

  Timestamp start_ = clock_.now();
};

TEST_F(Copied, KeepTheirArrivalThoughTheStreamIsYounger) {
  create(2);
  const auto writer = open_to_write();
  EXPECT_EQ(copy(*writer, 0, -24h), -24h);
  EXPECT_EQ(copy(*writer, 1, -24h), -24h);
  EXPECT_EQ(copy(*writer, 0, -24h + 1us), -24h + 1us);
  EXPECT_EQ(copy(*open_to_write(), 0, -1h), -1h);
  EXPECT_EQ(read(*open_to_read(), {.from = AtTime{start_ - 1h}}).size(), 2U);
  put(*writer, 0, {"c"});
  EXPECT_EQ(read(*writer).back().arrived_at, start_);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Copied, KeepEachItsOwnArrivalInOneCommit) {
  create(2);
  std::vector<RoutedBatch> batches;
  for (const std::uint32_t shard : {1U, 0U, 1U}) batches.push_back(batch_of(shard, {"a"}));
  batches[0].arrived_at = start_ - 2s;
  batches[1].arrived_at = start_ - 1s;
  const auto stored = append_all(*open_to_write(), batches, Sync::full).value();
  ASSERT_EQ(stored.size(), 3U);
  EXPECT_EQ(stored[0].arrivals[0], start_ - 2s);
  EXPECT_EQ(stored[1].arrivals[0], start_ - 1s);
  EXPECT_EQ(stored[2].arrivals[0], start_) << "which asked for none";
  EXPECT_EQ(read(*open_to_read()),
            (std::vector<Delivered>{{1, "1", start_ - 2s, "a"}, {0, "1", start_ - 1s, "a"}, {1, "2", start_, "a"}}));
}

TEST_F(Copied, NeverArriveBeforeTheNewestOfTheStream) {
  create(2);
  const auto writer = open_to_write();
  EXPECT_EQ(copy(*writer, 0, -1h), -1h);
  EXPECT_EQ(copy(*writer, 1, -1h - 1us), -1h);
  put(*open_to_write(), 1, {"c"});
  EXPECT_EQ(copy(*writer, 0, -1us), 0us);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Copied, NeverArriveBeforeTheOpeningOfTheirShard) {
  create(2);
  const auto writer = open_to_write();
  clock_.step(1h);
  test::split(*writer, 0);
  clock_.step(1h);
  EXPECT_EQ(copy(*writer, 1, 1min), 1min) << "it was there before";
  EXPECT_EQ(copy(*writer, 2, 1h - 1us), 1h);
  EXPECT_EQ(copy(*writer, 3, 1h + 1us), 1h + 1us);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Copied, NeverArriveInTheFuture) {
  create(1);
  const auto writer = open_to_write();
  EXPECT_EQ(copy(*writer, 0, 1us), 0us);
  EXPECT_EQ(copy(*writer, 0, Timestamp::max() - start_), 0us);
  clock_.step(1s);
  EXPECT_EQ(copy(*writer, 0, 1s), 1s);
  clock_.step(1h);
  test::split(*writer, 0);
  clock_.step(-1h + 1us);
  EXPECT_EQ(copy(*writer, 1, 0s), 1s + 1us) << "the clock was set back after the opening";
}

TEST_F(Copied, ArriveAtTheEpochWhereTheyWereBefore) {
  create(1);
  EXPECT_EQ(copy(*open_to_write(), 0, Timestamp(-1us) - start_), Timestamp{} - start_);
  EXPECT_EQ(copy(*open_to_write(), 0, Timestamp::min() + 1h - Timestamp{}), Timestamp{} - start_);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Copied, LastUntilTheirOwnArrivalIsPastRetention) {
  create(1);
  const auto writer = open_to_write();
  writer->maintenance().update({.retention = 10s, .tags = {}});
  EXPECT_EQ(copy(*writer, 0, -9s), -9s);
  clock_.step(1s);
  EXPECT_EQ(lines().size(), 2U);
  clock_.step(1us);
  EXPECT_EQ(lines(), Lines{});
}

class TwoWriters : public test::StreamTest {
 protected:
  TwoWriters() {
    create(2);
    one_ = open_to_write();
    other_ = open_to_write();
  }

  std::unique_ptr<Stream> one_;
  std::unique_ptr<Stream> other_;
};

TEST_F(TwoWriters, SeeEachOthersBatches) {
  EXPECT_EQ(put(*one_, 0, {"a"}), "1");
  EXPECT_EQ(put(*other_, 0, {"b", "c"}), "2");
  EXPECT_EQ(put(*other_, 1, {"d"}), "1");
  EXPECT_EQ(put(*one_, 0, {"e"}), "4");
  EXPECT_EQ(put(*one_, 1, {"f"}), "2");
  EXPECT_EQ(lines(), (Lines{"a", "b", "c", "d", "e", "f"}));
}

TEST_F(TwoWriters, SeeEachOthersBatchesAcrossIndexRows) {
  // Beyond 1000 batches the index has a row; each writer meets those of the other.
  for (int i = 1; i <= 5; ++i) {
    std::vector<RoutedBatch> batches;
    for (int n = 0; n < 700; ++n) batches.push_back(batch_of(0, {"a"}));
    const auto runs = append_all((i % 2 == 0 ? *one_ : *other_), batches, Sync::normal).value();
    EXPECT_EQ(runs.back().sequences.last().to_string(), std::to_string(700 * i));
  }
  EXPECT_EQ(put(*one_, 1, {"b"}), "1");
  EXPECT_EQ(put(*other_, 1, {"c"}), "2");
  EXPECT_EQ(read(*open_to_read()).size(), 3502U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(TwoWriters, GoOnAfterOneOfThemFailed) {
  put(*one_, 0, {"a"});
  EXPECT_NE(refusal([&] { put(*one_, 7, {"b"}); }), std::nullopt);
  EXPECT_EQ(put(*other_, 0, {"c"}), "2");
  EXPECT_EQ(put(*one_, 0, {"d"}), "3");
}

TEST_F(TwoWriters, SeeEachOthersSettings) {
  one_->maintenance().update({.max_record_size = 4096, .tags = {{"team", "blue"}}});
  other_->maintenance().update({.max_record_size = {}, .tags = {{"team", std::nullopt}, {"site", "here"}}});
  EXPECT_EQ(one_->describe().settings.max_record_size, 4096U);
  EXPECT_EQ(one_->describe().settings.tags, (Tags{{"site", "here"}}));
  EXPECT_EQ(put(*one_, 0, {"a"}), "1");
  EXPECT_EQ(put(*other_, 0, {"b"}), "2");
}

TEST_F(TwoWriters, RaiseTheVersionWithEveryChange) {
  const auto before = one_->describe().map.version();
  one_->maintenance().update({.max_record_size = 4096, .tags = {}});
  EXPECT_GT(other_->describe().map.version(), before);
}

TEST_F(TwoWriters, ChangeNothingWhereASettingIsOutOfBounds) {
  EXPECT_EQ(refusal([&] {
              one_->maintenance().update({.max_record_size = 1, .tags = {{"team", "blue"}}});
            }),
            ErrorCode::usage);
  EXPECT_EQ(other_->describe().settings.max_record_size, default_max_record_size);
  EXPECT_TRUE(other_->describe().settings.tags.empty());
}

}  // namespace
}  // namespace shardlog

#include <gtest/gtest.h>

#include <string>

#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;
using test::data_of;
using test::drain;
using test::refusal;

/// Shard 0 has 1 2 3, then 4 5; shard 1 has a b between them.
class PositionTest : public test::StreamTest {
 protected:
  PositionTest() {
    create(2);
    writer_ = open_to_write();
    put(*writer_, 0, {"1", "2", "3"});
    put(*writer_, 1, {"a", "b"});
    put(*writer_, 0, {"4", "5"});
    stream_ = open_to_read();
  }

  static AtSequence at(std::uint64_t sequence) { return {SequenceNumber(sequence)}; }
  static AfterSequence after(std::uint64_t sequence) { return {SequenceNumber(sequence)}; }

  Lines from(Position position, std::vector<ShardId> shards = {}) {
    return data_of(test::read(*stream_, {.shards = std::move(shards), .from = std::move(position)}, 1));
  }
  Lines until(Position position, std::vector<ShardId> shards = {}) {
    return data_of(test::read(*stream_, {.shards = std::move(shards), .until = std::move(position)}, 1));
  }
  std::unique_ptr<Reader> follow(Position position, std::optional<Position> until = {}) {
    return stream_->read(
        {.shards = {ShardId(0)}, .from = std::move(position), .until = std::move(until), .follow = true});
  }

  const std::vector<ShardId> first_{ShardId(0)};
  std::unique_ptr<Stream> writer_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(PositionTest, TheNewestRecordsAreThoseOfTheCommitOrder) {
  EXPECT_EQ(from(LastRecords{0}), Lines{});
  EXPECT_EQ(from(LastRecords{1}), Lines{"5"});
  EXPECT_EQ(from(LastRecords{2}), (Lines{"4", "5"}));
  EXPECT_EQ(from(LastRecords{3}), (Lines{"b", "4", "5"}));
  EXPECT_EQ(from(LastRecords{6}), (Lines{"2", "3", "a", "b", "4", "5"}));
  EXPECT_EQ(from(LastRecords{7}).size(), 7U);
  EXPECT_EQ(from(LastRecords{8}).size(), 7U);
  EXPECT_EQ(from(LastRecords{~std::uint64_t{0}}).size(), 7U);
}

TEST_F(PositionTest, TheNewestRecordsAreThoseOfTheChosenShards) {
  EXPECT_EQ(from(LastRecords{3}, first_), (Lines{"3", "4", "5"}));
  EXPECT_EQ(from(LastRecords{1}, {ShardId(1)}), Lines{"b"});
}

TEST_F(PositionTest, BeforeTheNewestRecordsReadingEnds) {
  EXPECT_EQ(until(LastRecords{0}).size(), 7U);
  EXPECT_EQ(until(LastRecords{1}), (Lines{"1", "2", "3", "a", "b", "4"}));
  EXPECT_EQ(until(LastRecords{2}), (Lines{"1", "2", "3", "a", "b"}));
  EXPECT_EQ(until(LastRecords{4}), (Lines{"1", "2", "3"}));
  EXPECT_EQ(until(LastRecords{7}), Lines{});
  EXPECT_EQ(until(LastRecords{4}, first_), Lines{"1"});
}

TEST_F(PositionTest, TheNewestRecordsAreThoseOfTheMomentOfTheRequest) {
  const auto reader = stream_->read({.from = LastRecords{1}});
  put(*writer_, 0, {"6"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"5"});
}

TEST_F(PositionTest, ASequenceNumberIsBeforeItsRecord) {
  EXPECT_EQ(from(at(0), first_).size(), 5U);
  EXPECT_EQ(from(at(1), first_).size(), 5U);
  EXPECT_EQ(from(at(3), first_), (Lines{"3", "4", "5"}));
  EXPECT_EQ(from(at(4), first_), (Lines{"4", "5"}));
  EXPECT_EQ(from(at(5), first_), Lines{"5"});
  EXPECT_EQ(from(at(6), first_), Lines{});
  EXPECT_EQ(from(after(0), first_).size(), 5U);
  EXPECT_EQ(from(after(3), first_), (Lines{"4", "5"}));
  EXPECT_EQ(from(after(4), first_), Lines{"5"});
  EXPECT_EQ(from(after(5), first_), Lines{});
}

TEST_F(PositionTest, ASequenceNumberIsWhereReadingEnds) {
  EXPECT_EQ(until(at(1), first_), Lines{});
  EXPECT_EQ(until(at(3), first_), (Lines{"1", "2"}));
  EXPECT_EQ(until(at(4), first_), (Lines{"1", "2", "3"}));
  EXPECT_EQ(until(after(4), first_), (Lines{"1", "2", "3", "4"}));
  EXPECT_EQ(until(at(100), first_).size(), 5U);
}

TEST_F(PositionTest, BothCutOneBatch) {
  const auto between = [&](Position begin, Position end) {
    return data_of(test::read(*stream_, {.shards = first_, .from = std::move(begin), .until = std::move(end)}));
  };
  EXPECT_EQ(between(at(2), at(3)), Lines{"2"});
  EXPECT_EQ(between(at(2), at(2)), Lines{});
  EXPECT_EQ(between(at(3), at(2)), Lines{});
  EXPECT_EQ(between(LastRecords{4}, LastRecords{3}), Lines{"2"});
}

TEST_F(PositionTest, ABatchThatIsCutSaysWhichOfItsRecordsWereAskedFor) {
  const ReadResult result = stream_->read({.shards = first_, .from = at(2), .until = at(3)})->next(1);
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.batches[0].records.size(), 3U);
  EXPECT_EQ(result.batches[0].first, 1U);
  EXPECT_EQ(result.batches[0].count, 1U);
}

TEST_F(PositionTest, ASequenceNumberToComeIsWaitedFor) {
  const auto reader = follow(at(7));
  EXPECT_EQ(data_of(drain(*reader)), Lines{});
  put(*writer_, 0, {"6", "7"});
  put(*writer_, 0, {"8"});
  EXPECT_EQ(data_of(drain(*reader)), (Lines{"7", "8"}));
}

TEST_F(PositionTest, ASequenceNumberToComeEndsAFollower) {
  const auto reader = follow(after(4), at(7));
  EXPECT_EQ(data_of(drain(*reader)), Lines{"5"});
  EXPECT_FALSE(reader->next(1).at_end);
  put(*writer_, 0, {"6", "7"});
  const ReadResult result = reader->next(test::any_budget);
  EXPECT_TRUE(result.at_end);
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_EQ(result.batches[0].count, 1U);
}

TEST_F(PositionTest, ASequenceNumberThatIsThereEndsAFollowerAtOnce) {
  const auto reader = follow(TrimHorizon{}, at(4));
  EXPECT_EQ(data_of(drain(*reader)), (Lines{"1", "2", "3"}));
  EXPECT_TRUE(reader->next(1).at_end);
}

TEST_F(PositionTest, ANumberBeyondAllIsBeyondAll) {
  const SequenceNumber huge = SequenceNumber::parse(std::string(129, '9')).value();
  EXPECT_EQ(from(AtSequence{huge}, first_), Lines{});
  EXPECT_EQ(from(AfterSequence{huge}, first_), Lines{});
  EXPECT_EQ(until(AfterSequence{huge}, first_).size(), 5U);
}

TEST_F(PositionTest, ASequenceNumberIsOfOneShard) {
  for (const Position& position : {Position(at(1)), Position(after(1))}) {
    EXPECT_EQ(refusal([&] { from(position); }), ErrorCode::usage);
    EXPECT_EQ(refusal([&] { until(position); }), ErrorCode::usage);
    EXPECT_EQ(refusal([&] { from(position, {ShardId(0), ShardId(1)}); }), ErrorCode::usage);
  }
}

TEST_F(PositionTest, IsFoundThroughTheIndex) {
  std::vector<RoutedBatch> many;
  for (std::uint32_t i = 0; i < 3000; ++i) many.push_back(test::batch_of(i % 3 == 0 ? 1 : 0, {"x"}));
  for (int i = 0; i < 2; ++i) append_all(*writer_, many, Sync::normal);
  // 4000 of them are in shard 0, behind the first 5.
  for (const std::uint64_t sequence : {6U, 1000U, 2005U, 2006U, 4004U, 4005U}) {
    const auto found = test::read(*stream_, {.shards = first_, .from = at(sequence)});
    ASSERT_EQ(found.size(), 4005 - sequence + 1) << sequence;
    EXPECT_EQ(found.front().sequence, std::to_string(sequence));
  }
  for (const std::uint64_t count : {1U, 2999U, 3000U, 3001U, 5999U, 6006U}) {
    EXPECT_EQ(from(LastRecords{count}).size(), count);
    EXPECT_EQ(until(LastRecords{count}).size(), 6007 - count);
  }
}

class PositionOfAParent : public PositionTest {
 protected:
  PositionOfAParent() {
    const HashRange range = stream_->describe().map.find(ShardId(0))->range;
    const HashKey middle(range.first.value() + 10);
    const ReshardStep step{{ShardId(0)},
                           {{ShardId(2), {range.first, HashKey(middle.value() - 1)}, ShardId(0)},
                            {ShardId(3), {middle, range.last}, ShardId(0)}}};
    EXPECT_TRUE(writer_->resharding().apply(step, writer_->describe().map.version()));
    put(*writer_, 2, {"child"});
  }

  Lines from_with_descendants(Position position) {
    ReadRequest request{.shards = first_, .from = std::move(position)};
    request.descendants = true;
    return data_of(test::read(*stream_, request));
  }
};

TEST_F(PositionOfAParent, GoesOnInItsChildren) {
  EXPECT_EQ(from_with_descendants(at(5)), (Lines{"5", "child"}));
  EXPECT_EQ(from_with_descendants(after(5)), Lines{"child"});
  EXPECT_EQ(from_with_descendants(at(1'000'000)), Lines{"child"});
  EXPECT_EQ(from_with_descendants(LastRecords{2}), (Lines{"5", "child"}));
}

}  // namespace
}  // namespace shardlog

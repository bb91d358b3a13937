#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::merge;
using test::refusal;
using test::split;

ShardStart from_horizon(std::uint32_t shard) {
  return {ShardId(shard), TrimHorizon{}};
}
ShardStart at(std::uint32_t shard, std::uint64_t sequence) {
  return {ShardId(shard), AtSequence{SequenceNumber(sequence)}};
}
ShardStart after(std::uint32_t shard, std::uint64_t sequence) {
  return {ShardId(shard), AfterSequence{SequenceNumber(sequence)}};
}

/// A stream of three shards. Record n of shard s is "s:n".
class Starts : public test::StreamTest {
 protected:
  Starts() {
    create(3);
    writer_ = open_to_write();
    stream_ = open_to_read();
  }

  /// Appends `count` records, which begin at `sequence`, in one batch.
  void fill(std::uint32_t shard, int sequence, int count) {
    Lines data;
    for (int i = 0; i < count; ++i) data.push_back(std::to_string(shard) + ":" + std::to_string(sequence + i));
    EXPECT_EQ(put(*writer_, shard, data, Sync::normal), std::to_string(sequence));
  }

  /// Four batches of two records in each of three shards, by turns.
  void fill_all() {
    for (int batch = 0; batch < 4; ++batch) {
      for (std::uint32_t shard = 0; shard < 3; ++shard) fill(shard, 2 * batch + 1, 2);
    }
  }

  /// An hour goes by, and what was there before is past retention.
  void let_expire() {
    clock_.step(1h);
    writer_->maintenance().update({.retention = 30min});
  }

  Lines told(const ReadRequest& request, std::size_t budget = any_budget) {
    return test::told(*stream_, request, budget);
  }
  static Lines told(Reader& reader, std::size_t budget = any_budget) { return test::told(reader, budget); }

  Lines located(const Position& position, const std::vector<ShardId>& shards = {}) {
    Lines lines;
    for (const LocatedStart& place : stream_->locate(position, shards)) {
      lines.push_back(std::to_string(place.shard.number()) + ":" + place.next.value().to_string() +
                      (place.at_end ? " end" : ""));
    }
    return lines;
  }

  std::unique_ptr<Stream> writer_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(Starts, EachShardIsReadFromAPlaceOfItsOwn) {
  fill_all();
  const Lines expected{"0:3", "0:4", "0:5", "0:6", "2:6", "0:7", "0:8", "2:7", "2:8", "end"};
  EXPECT_EQ(told({.starts = {after(2, 5), at(0, 3)}}), expected);
  EXPECT_EQ(told({.starts = {after(2, 5), at(0, 3)}}, 1), expected) << "one by one";
}

TEST_F(Starts, AtTheHorizonAndBehindTheTail) {
  fill_all();
  EXPECT_EQ(told({.starts = {from_horizon(1), after(0, 8)}}),
            (Lines{"1:1", "1:2", "1:3", "1:4", "1:5", "1:6", "1:7", "1:8", "end"}));
  EXPECT_EQ(told({.starts = {after(1, 8), at(0, 100)}}), Lines{"end"});
  EXPECT_EQ(told({.starts = {at(0, 0)}}).size(), 9U) << "0 is before the first";
}

TEST_F(Starts, WithoutShardsAndFrom) {
  fill_all();
  EXPECT_EQ(told({.starts = {at(0, 8)}, .shards = {ShardId(1)}, .from = LastRecords{1}}), (Lines{"0:8", "end"}));
}

TEST_F(Starts, AreFollowed) {
  fill_all();
  const auto reader = stream_->read({.starts = {at(0, 10), after(1, 7)}, .follow = true});
  EXPECT_EQ(told(*reader), Lines{"1:8"});
  fill(0, 9, 2);
  fill(2, 9, 1);
  fill(1, 9, 1);
  EXPECT_EQ(told(*reader), (Lines{"0:10", "1:9"}));
}

TEST_F(Starts, EndAtAPositionToo) {
  fill_all();
  EXPECT_EQ(told({.starts = {at(0, 3)}, .until = AtSequence{SequenceNumber(5)}}), (Lines{"0:3", "0:4", "end"}));
  EXPECT_EQ(told({.starts = {at(0, 8), at(1, 8)}, .until = LastRecords{1}}), (Lines{"0:8", "end"}));
}

TEST_F(Starts, ThatMakeNoSenseAreRefused) {
  EXPECT_EQ(refusal([&] { told({.starts = {at(3, 1)}}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { told({.starts = {at(0, 1), from_horizon(0)}}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] {
              told({.starts = {at(0, 1), at(1, 1)}, .until = AtSequence{SequenceNumber(5)}});
            }),
            ErrorCode::usage);
}

TEST_F(Starts, BeforeTheHorizonAreGapsFromThere) {
  fill_all();
  let_expire();
  fill(0, 9, 1);
  EXPECT_EQ(told({.starts = {at(0, 3), at(1, 0), after(2, 8)}}), (Lines{"gap 0:3-8", "gap 1:1-8", "0:9", "end"}));
  EXPECT_EQ(told({.starts = {from_horizon(0), from_horizon(1)}}), (Lines{"0:9", "end"}));
  EXPECT_EQ(refusal([&] { told({.starts = {at(0, 9), at(1, 8)}, .strict = true}); }), ErrorCode::trimmed);
  EXPECT_EQ(told({.starts = {at(0, 9), from_horizon(1)}, .strict = true}), (Lines{"0:9", "end"}));
}

TEST_F(Starts, AtTheHorizonBeginWithWhatIsThereByThen) {
  fill_all();
  const auto reader = stream_->read({.starts = {from_horizon(0), at(1, 0), at(2, 7)}, .follow = true});
  let_expire();
  fill(0, 9, 1);
  EXPECT_EQ(told(*reader), (Lines{"gap 1:1-8", "gap 2:7-8", "0:9"})) << "a number does not";
}

TEST_F(Starts, DescendantsAreReadWhole) {
  fill(0, 1, 2);
  fill(1, 1, 2);
  split(*writer_, 0);
  fill(3, 3, 2);
  fill(1, 3, 1);
  fill(4, 3, 2);
  merge(*writer_, 3, 4);
  fill(5, 5, 1);
  const auto descend = [&](std::vector<ShardStart> starts) {
    return told({.starts = std::move(starts), .descendants = true});
  };
  EXPECT_EQ(descend({after(0, 2)}),
            (Lines{"3:3", "3:4", "4:3", "4:4", "5:5", "end of 0", "end of 3", "end of 4", "end"}));
  EXPECT_EQ(descend({at(0, 2), after(1, 2)}),
            (Lines{"0:2", "3:3", "3:4", "1:3", "4:3", "4:4", "5:5", "end of 0", "end of 3", "end of 4", "end"}));
  EXPECT_EQ(descend({after(0, 2), at(3, 4), after(4, 4)}),
            (Lines{"3:4", "5:5", "end of 0", "end of 4", "end of 3", "end"}))
      << "a listed one from its own place";
  EXPECT_EQ(descend({after(3, 4), after(5, 5)}), (Lines{"end of 3", "end"}));
}

TEST_F(Starts, DescendantsThatAreTrimmedAreGapsAsTheirParentsAre) {
  fill(0, 1, 2);
  split(*writer_, 0);
  fill(3, 3, 2);
  let_expire();
  fill(4, 3, 1);
  const auto descend = [&](ShardStart start) { return told({.starts = {std::move(start)}, .descendants = true}); };
  EXPECT_EQ(descend(after(0, 1)), (Lines{"gap 0:2-2", "gap 3:3-4", "4:3", "end of 0", "end"}));
  EXPECT_EQ(descend(after(0, 2)), (Lines{"gap 3:3-4", "4:3", "end of 0", "end"}));
  EXPECT_EQ(descend(from_horizon(0)), (Lines{"4:3", "end of 0", "end"}));
}

TEST_F(Starts, DescendantsThatComeAndGoUnseenAreGaps) {
  fill(0, 1, 1);
  fill(1, 1, 1);
  const auto reader = stream_->read({.starts = {after(0, 1), from_horizon(1)}, .follow = true, .descendants = true});
  split(*writer_, 0);
  fill(3, 2, 2);
  split(*writer_, 1);
  fill(5, 2, 2);
  let_expire();
  EXPECT_EQ(told(*reader), (Lines{"gap 3:2-3", "end of 0", "end of 1"}));
}

class Ended : public Starts {};

TEST_F(Ended, WithTheLastRecordOfTheShard) {
  fill(0, 1, 2);
  fill(0, 3, 1);
  split(*writer_, 0);
  fill(1, 1, 1);
  const auto reader = stream_->read({});
  EXPECT_TRUE(reader->next(1).ended.empty());
  const ReadResult last = reader->next(1);
  EXPECT_EQ(last.batches.size(), 1U);
  EXPECT_EQ(last.ended, std::vector{ShardId(0)});
  EXPECT_FALSE(last.at_end);
  EXPECT_EQ(told(*reader, 1), (Lines{"1:1", "end"})) << "once only";
}

TEST_F(Ended, AtTheStartWhereNothingIsLeft) {
  fill(0, 1, 2);
  fill(1, 1, 1);
  split(*writer_, 0);
  split(*writer_, 2);
  EXPECT_EQ(told({.starts = {after(0, 2), at(1, 1)}}), (Lines{"1:1", "end of 0", "end"}));
  EXPECT_EQ(told({.starts = {at(0, 99)}, .follow = true}), (Lines{"end of 0", "end"}));
  EXPECT_EQ(told({.starts = {at(2, 0)}}), (Lines{"end of 2", "end"})) << "never had any";
  EXPECT_EQ(told({.from = Latest{}, .follow = true}), (Lines{"end of 0", "end of 2"}));
}

TEST_F(Ended, WhenAShardClosesBehindWhatWasRead) {
  fill(0, 1, 1);
  const auto reader = stream_->read({.starts = {at(0, 1), at(1, 1)}, .follow = true});
  EXPECT_EQ(told(*reader), Lines{"0:1"});
  split(*writer_, 0);
  EXPECT_EQ(told(*reader), Lines{"end of 0"});
  EXPECT_EQ(told(*reader), Lines{});
  fill(1, 1, 1);
  split(*writer_, 1);
  fill(2, 1, 1);
  EXPECT_EQ(told(*reader), (Lines{"1:1", "end of 1", "end"}));
}

TEST_F(Ended, OfBothParentsOfAMerge) {
  fill(0, 1, 3);
  fill(1, 1, 1);
  merge(*writer_, 0, 1);
  fill(3, 4, 1);
  const auto reader = stream_->read({.follow = true});
  EXPECT_EQ(reader->next(1).ended, std::vector{ShardId(0)});
  EXPECT_EQ(reader->next(1).ended, std::vector{ShardId(1)});
  EXPECT_EQ(told(*reader), Lines{"3:4"});
}

TEST_F(Ended, NotBeforeThePinnedEndIsTheShards) {
  fill(0, 1, 1);
  fill(1, 1, 1);
  const auto reader = stream_->read({});
  fill(0, 2, 1);
  split(*writer_, 0);
  split(*writer_, 1);
  EXPECT_EQ(told(*reader), (Lines{"0:1", "1:1", "end of 1", "end"})) << "0 has a record more";
}

TEST_F(Ended, NotWhereReadingEndsWithinTheShard) {
  fill(0, 1, 4);
  fill(1, 1, 1);
  split(*writer_, 0);
  EXPECT_EQ(told({.shards = {ShardId(0)}, .until = AtSequence{SequenceNumber(3)}}), (Lines{"0:1", "0:2", "end"}));
  EXPECT_EQ(told({.until = LastRecords{2}}), (Lines{"0:1", "0:2", "0:3", "end"}));
  EXPECT_EQ(told({.until = LastRecords{1}}), (Lines{"0:1", "0:2", "0:3", "0:4", "end of 0", "end"}));
}

TEST_F(Ended, WhereRetentionTookTheRest) {
  fill(0, 1, 4);
  const auto reader = stream_->read({.starts = {at(0, 2), at(1, 1)}, .follow = true});
  split(*writer_, 0);
  let_expire();
  EXPECT_EQ(told(*reader), (Lines{"gap 0:2-4", "end of 0"}));
}

TEST_F(Ended, NotWhereRetentionTookWhatIsBehindThePinnedEnd) {
  writer_->maintenance().update({.retention = 30min});
  fill(0, 1, 1);
  const auto reader = stream_->read({.starts = {at(0, 1)}});
  fill(0, 2, 1);
  split(*writer_, 0);
  let_expire();
  EXPECT_EQ(told(*reader), (Lines{"gap 0:1-1", "end"}));
}

TEST_F(Ended, AcrossARepairOfTheClock) {
  clock_.step(24h);
  fill(0, 1, 1);
  split(*writer_, 0);
  const auto reader = stream_->read({.starts = {at(0, 1), at(3, 0)}, .follow = true});
  clock_.step(-24h);
  writer_->maintenance().update({.repair_clock = true});
  fill(3, 2, 1);
  split(*writer_, 3);
  EXPECT_EQ(told(*reader), (Lines{"0:1", "3:2", "end of 0", "end of 3", "end"}));
}

class Located : public Starts {};

TEST_F(Located, InEachShard) {
  fill(0, 1, 2);
  clock_.step(1s);
  const Timestamp second = clock_.now();
  fill(1, 1, 2);
  fill(0, 3, 3);
  EXPECT_EQ(located(TrimHorizon{}), (Lines{"0:1", "1:1", "2:1"}));
  EXPECT_EQ(located(Latest{}), (Lines{"0:6", "1:3", "2:1"}));
  EXPECT_EQ(located(AtTime{second}), (Lines{"0:3", "1:1", "2:1"}));
  EXPECT_EQ(located(AtTime{second + 1s}), (Lines{"0:6", "1:3", "2:1"}));
  EXPECT_EQ(located(LastRecords{2}), (Lines{"0:4", "1:3", "2:1"}));
  EXPECT_EQ(located(LastRecords{4}), (Lines{"0:3", "1:2", "2:1"}));
  EXPECT_EQ(located(LastRecords{1}, {ShardId(2), ShardId(1)}), (Lines{"1:2", "2:1"})) << "in the order of the ids";
  EXPECT_EQ(located(LastRecords{99}), (Lines{"0:1", "1:1", "2:1"}));
}

TEST_F(Located, ASequenceNumberIsOfOneShard) {
  fill(0, 1, 2);
  EXPECT_EQ(located(AtSequence{SequenceNumber(2)}, {ShardId(0)}), Lines{"0:2"});
  EXPECT_EQ(located(AfterSequence{SequenceNumber(2)}, {ShardId(0)}), Lines{"0:3"});
  EXPECT_EQ(located(AfterSequence{SequenceNumber(9)}, {ShardId(0)}), Lines{"0:10"});
  EXPECT_EQ(located(AtSequence{SequenceNumber(0)}, {ShardId(0)}), Lines{"0:1"});
  EXPECT_EQ(refusal([&] { located(AtSequence{SequenceNumber(2)}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { located(AtSequence{SequenceNumber(2)}, {ShardId(0), ShardId(1)}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { located(TrimHorizon{}, {ShardId(7)}); }), ErrorCode::not_found);
}

TEST_F(Located, AtTheEndWhereNothingIsBehindItInAClosedShard) {
  fill(0, 1, 2);
  split(*writer_, 0);
  EXPECT_EQ(located(Latest{}), (Lines{"0:3 end", "1:1", "2:1", "3:3", "4:3"}));
  EXPECT_EQ(located(TrimHorizon{}), (Lines{"0:1", "1:1", "2:1", "3:3", "4:3"}));
  EXPECT_EQ(located(AfterSequence{SequenceNumber(2)}, {ShardId(0)}), Lines{"0:3 end"});
  EXPECT_EQ(located(AtSequence{SequenceNumber(2)}, {ShardId(0)}), Lines{"0:2"});
  let_expire();
  EXPECT_EQ(located(TrimHorizon{}), (Lines{"0:3 end", "1:1", "2:1", "3:3", "4:3"}));
  EXPECT_EQ(refusal([&] { located(AtSequence{SequenceNumber(2)}, {ShardId(0)}); }), ErrorCode::trimmed);
  EXPECT_EQ(refusal([&] { located(AtSequence{SequenceNumber(0)}, {ShardId(0)}); }), ErrorCode::trimmed);
  EXPECT_EQ(located(AtTime{Timestamp{}}), (Lines{"0:3 end", "1:1", "2:1", "3:3", "4:3"}));
}

}  // namespace
}  // namespace shardlog

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "engine/raw_database.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::append_all;
using test::drain_with_gaps;
using test::mebibyte;
using test::refusal;

/// Two shards under ten seconds of retention. Intervals stand still, so a writer trims at its first append, and again
/// after look_again().
class Retention : public test::StreamTest {
 protected:
  Retention() {
    create_without_segments(2);
    clock_.freeze();
    stream_ = open_to_read();
    keep(10s);
  }

  void keep(Duration retention) { open_to_write()->maintenance().update({.retention = retention}); }

  static void put_mebibytes(Stream& writer, int count) {
    for (int i = 0; i < count; ++i) put(writer, 0, {std::string(mebibyte, 'x')}, Sync::normal);
  }

  /// In one commit.
  static void put_batches(Stream& writer, std::uint32_t shard, int count) {
    std::vector<RoutedBatch> batches;
    for (int i = 0; i < count; ++i) batches.push_back(test::batch_of(shard, {"x"}));
    append_all(writer, batches, Sync::normal);
  }

  void look_again() { clock_.let_pass(1s); }

  /// Past retention, and trimmed: an append that finds time for it.
  void trim_all() { keep(open_to_read()->describe().settings.retention); }

  std::string batches() { return raw("SELECT ifnull(group_concat(id), '') FROM batches"); }
  std::string horizon() { return raw("SELECT batch FROM trim_horizon"); }
  std::string raw(const std::string& query) { return test::RawDatabase(path_).text(query); }

  std::unique_ptr<Reader> reader(Position from = TrimHorizon{}, bool follow = false, std::vector<ShardId> shards = {}) {
    return stream_->read({.shards = std::move(shards), .from = std::move(from), .follow = follow});
  }
  Lines all(Position from = TrimHorizon{}, std::vector<ShardId> shards = {}) {
    return drain_with_gaps(*reader(std::move(from), false, std::move(shards)));
  }

  std::unique_ptr<Stream> stream_;
};

TEST_F(Retention, TakesNothingThatIsAsOldAsIt) {
  put(*open_to_write(), 0, {"a"});
  clock_.step(10s);
  put(*open_to_write(), 0, {"b"});
  EXPECT_EQ(batches(), "1,2");
  EXPECT_EQ(all(), (Lines{"a", "b"}));
}

TEST_F(Retention, OfAllBatchesBeforeTheirStretchIsClosedLeavesNothingToFind) {
  const auto writer = open_to_write();
  put(*writer, 0, {std::string(5 * test::mebibyte, 'x')});  // the next append closes the stretch
  clock_.step(11s);
  look_again();
  put(*writer, 0, {"a"});
  EXPECT_EQ(horizon(), "1");
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Retention, TakesWhatIsOlderAtTheNextAppend) {
  put(*open_to_write(), 0, {"a"});
  clock_.step(1us);
  put(*open_to_write(), 1, {"b"});
  clock_.step(10s);
  put(*open_to_write(), 0, {"c"});
  EXPECT_EQ(batches(), "2,3");
  EXPECT_EQ(horizon(), "1");
  EXPECT_EQ(all(), (Lines{"b", "c"}));
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Retention, HidesAtOnceWhatNobodyHasTrimmed) {
  put(*open_to_write(), 0, {"a"});
  clock_.step(10s + 1us);
  EXPECT_EQ(batches(), "1");
  EXPECT_EQ(all(), Lines{});
  EXPECT_EQ(all(LastRecords{5}), Lines{});
  EXPECT_EQ(all(AtTime{clock_.now() - 1h}), Lines{});
}

TEST_F(Retention, ThatIsRaisedShowsAgainWhatIsNotTrimmed) {
  put(*open_to_write(), 0, {"a"});
  clock_.step(10s + 1us);
  const auto writer = open_to_write();
  writer->maintenance().update({.retention = 1h});
  EXPECT_EQ(all(), Lines{"a"});
}

TEST_F(Retention, ThatIsLoweredHidesFromAReaderThatIsOpen) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  clock_.step(5s);
  put(*writer, 0, {"b"});
  const auto from_start = reader();
  const auto follower = reader(TrimHorizon{}, true);
  EXPECT_EQ(drain_with_gaps(*from_start, 1), (Lines{"a", "b"}));
  EXPECT_EQ(drain_with_gaps(*follower), (Lines{"a", "b"}));
  const auto at_first = reader(AtSequence{SequenceNumber(1)}, false, {ShardId(0)});
  keep(1s);
  EXPECT_EQ(drain_with_gaps(*at_first), (Lines{"0:1-1", "b"}));
}

TEST_F(Retention, OfNothingIsRefused) {
  EXPECT_EQ(refusal([&] { keep(0s); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { keep(-1s); }), ErrorCode::usage);
  CreateOptions options;
  options.settings.retention = 0s;
  EXPECT_EQ(refusal([&] { shardlog::create(path_ + "2", options, clock_); }), ErrorCode::usage);
}

TEST_F(Retention, OfTheLongestTimeTakesNothing) {
  keep(forever - 1us);
  clock_.set(Timestamp(-1h));
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(all(), Lines{"a"});
}

TEST_F(Retention, KeepsTheNumbersGoingThoughNothingIsLeft) {
  put(*open_to_write(), 0, {"a", "b"});
  put(*open_to_write(), 1, {"c"});
  clock_.step(1h);
  trim_all();
  EXPECT_EQ(batches(), "");
  EXPECT_EQ(stream_->describe().turn, 2U);
  EXPECT_EQ(stream_->describe().last_arrival, clock_.now() - 1h);
  const auto writer = open_to_write();
  EXPECT_EQ(put(*writer, 0, {"d"}), "3");
  EXPECT_EQ(put(*writer, 1, {"e"}), "2");
  EXPECT_EQ(batches(), "3,4");
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Retention, KeepsArrivalsFromDecreasingThoughNothingIsLeft) {
  put(*open_to_write(), 0, {"a"});
  const Timestamp arrived_at = clock_.now();
  clock_.step(1h);
  trim_all();
  clock_.set(arrived_at - 1h);
  put(*open_to_write(), 0, {"b"});
  EXPECT_EQ(stream_->describe().last_arrival, arrived_at);
}

TEST_F(Retention, TakesBatchesThatAnotherWriterRemembers) {
  const auto one = open_to_write();
  const auto other = open_to_write();
  put(*one, 0, {"a"});
  put(*other, 0, {"b"});
  clock_.step(1h);
  trim_all();
  EXPECT_EQ(put(*one, 0, {"c"}), "3");
  EXPECT_EQ(put(*other, 0, {"d"}), "4");
  clock_.step(1h);
  trim_all();
  EXPECT_EQ(put(*other, 1, {"e"}), "1");
  EXPECT_EQ(put(*one, 0, {"f"}), "5");
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Retention, TakesBatchesOfAShardThatIsSplitLater) {
  const auto resharder = open_to_write();
  const ShardMap before = resharder->describe().map;
  put(*open_to_write(), 0, {"a", "b", "c"});
  clock_.step(1h);
  trim_all();
  const HashRange range = before.find(ShardId(0))->range;
  const HashKey middle(range.first.value() + 10);
  const ReshardStep step{{ShardId(0)},
                         {{ShardId(2), {range.first, HashKey(middle.value() - 1)}, ShardId(0)},
                          {ShardId(3), {middle, range.last}, ShardId(0)}}};
  ASSERT_TRUE(resharder->resharding().apply(step, resharder->describe().map.version()));
  EXPECT_EQ(put(*open_to_write(), 2, {"d"}), "4");
  EXPECT_EQ(all(), Lines{"d"});
}

TEST_F(Retention, LooksNowAndThenOnly) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  clock_.step(1h);
  put(*writer, 0, {"b"});
  EXPECT_EQ(batches(), "1,2");
  look_again();
  put(*writer, 0, {"c"});
  EXPECT_EQ(batches(), "2,3");
}

TEST_F(Retention, TakesAThousandBatchesAStepAndTwoStepsAnAppend) {
  const auto writer = open_to_write();
  put_batches(*writer, 0, 5500);
  clock_.step(1h);
  look_again();
  for (const char* const left : {"2000", "4000", "5500", "5500"}) {
    put(*writer, 0, {"y"});
    EXPECT_EQ(horizon(), left);
  }
  EXPECT_EQ(findings(*stream_), Lines{});
  EXPECT_EQ(all(), Lines(4, "y"));
}

TEST_F(Retention, TakesEightMebibytesAStep) {
  const auto writer = open_to_write();
  put_mebibytes(*writer, 40);
  clock_.step(1h);
  look_again();
  put(*writer, 0, {"y"});
  EXPECT_EQ(horizon(), "16");
  put(*writer, 0, {"y"});
  EXPECT_EQ(horizon(), "32");
}

TEST_F(Retention, KeepsPaceWithManyBatchesAtOnce) {
  const auto writer = open_to_write();
  put_batches(*writer, 0, 5000);
  clock_.step(1h);
  look_again();
  put_batches(*writer, 0, 5000);
  EXPECT_EQ(horizon(), "5000");
}

TEST_F(Retention, ReusesTheSpaceOfWhatItTook) {
  const auto writer = open_to_write();
  std::int64_t early = 0;
  for (int round = 0; round < 12; ++round) {
    put_mebibytes(*writer, 4);
    clock_.step(11s);
    look_again();
    if (round == 3) early = test::RawDatabase(path_).number("PRAGMA page_count");
  }
  EXPECT_LE(test::RawDatabase(path_).number("PRAGMA page_count"), early);
}

TEST_F(Retention, IsAppliedByAnUpdateWhichGivesTheSpaceBack) {
  const auto writer = open_to_write();
  put_mebibytes(*writer, 32);
  clock_.step(1h);
  trim_all();
  EXPECT_EQ(batches(), "");
  EXPECT_LT(std::filesystem::file_size(file("stream.db")), mebibyte);
  EXPECT_EQ(findings(*stream_), Lines{});
  EXPECT_EQ(put(*writer, 0, {"a"}), "33");
}

TEST_F(Retention, GivesSpaceBackWhenHalfOfTheFileWasFreeForAnHour) {
  const auto writer = open_to_write();
  put_mebibytes(*writer, 8);
  clock_.step(1h);
  const auto pages = [this] { return test::RawDatabase(path_).number("PRAGMA page_count"); };
  const auto look = [&] {
    look_again();
    put(*writer, 0, {"y"});
  };
  look();  // trims and notes that most is free
  const std::int64_t all_pages = pages();
  clock_.step(1h - 1us);
  look();
  EXPECT_EQ(pages(), all_pages);
  clock_.step(1us);
  look();
  EXPECT_EQ(pages(), all_pages - 64);
  look();
  EXPECT_EQ(pages(), all_pages - 128);
}

TEST_F(Retention, KeepsSpaceThatIsNeededAgain) {
  const auto writer = open_to_write();
  put_mebibytes(*writer, 8);
  clock_.step(1h);
  look_again();
  put(*writer, 0, {"y"});
  EXPECT_NE(raw("SELECT ifnull(mostly_free_since, 'none') FROM trim_horizon"), "none");
  put_mebibytes(*writer, 6);
  look_again();
  put(*writer, 0, {"y"});
  EXPECT_EQ(raw("SELECT ifnull(mostly_free_since, 'none') FROM trim_horizon"), "none");
}

TEST_F(Retention, LeavesStatisticsOfWhatCanBeRead) {
  const auto writer = open_to_write();
  put(*writer, 0, {"aa", "b"});
  put(*writer, 1, {"gone"});
  clock_.step(9s);
  const Timestamp second = clock_.now();
  put(*writer, 0, {"ccc"});
  const auto expect = [&] {
    const auto shards = stream_->maintenance().statistics(Detail::all).shards;
    EXPECT_EQ(shards[0].records, 1U);
    EXPECT_EQ(shards[0].bytes, 3U);
    EXPECT_EQ(shards[0].trimmed_records, 2U);
    EXPECT_EQ(shards[0].trimmed_bytes, 3U);
    ASSERT_TRUE(shards[0].first && shards[0].last);
    EXPECT_EQ(shards[0].first->sequence, SequenceNumber(3));
    EXPECT_EQ(shards[0].first->arrived_at, second);
    EXPECT_EQ(shards[1].records, 0U);
    EXPECT_EQ(shards[1].trimmed_records, 1U);
    EXPECT_FALSE(shards[1].first || shards[1].last);
  };
  clock_.step(2s);
  expect();  // expired
  trim_all();
  expect();  // trimmed
}

// --- gaps -----------------------------------------------------------------------------------------------------------

/// Commits a second apart: a, b and c of one batch, d of shard 1, e, f.
class Gaps : public Retention {
 protected:
  Gaps() {
    const auto writer = open_to_write();
    put(*writer, 0, {"a", "b", "c"});
    clock_.step(1s);
    put(*writer, 1, {"d"});
    clock_.step(1s);
    put(*writer, 0, {"e"});
    clock_.step(1s);
    put(*writer, 0, {"f"});
  }

  void expire(int commits, bool trimmed) {
    clock_.set(start_ + 10s + (commits - 1) * 1s + 1us);
    if (trimmed) trim_all();
  }

  Timestamp start_ = clock_.now();
};

TEST_F(Gaps, OfWhatHasExpiredOrWasTrimmedAreToldWhereTheReaderStands) {
  const auto of_expired = reader(TrimHorizon{}, true);
  const auto of_trimmed = reader(TrimHorizon{}, true);
  ASSERT_EQ(of_expired->next(1).batches.size(), 1U);
  ASSERT_EQ(of_trimmed->next(1).batches.size(), 1U);
  expire(3, false);
  EXPECT_EQ(drain_with_gaps(*of_expired), (Lines{"0:4-4", "1:1-1", "f"}));
  trim_all();
  EXPECT_EQ(drain_with_gaps(*of_expired), Lines{});
  EXPECT_EQ(drain_with_gaps(*of_trimmed), (Lines{"0:4-4", "1:1-1", "f"}));
}

TEST_F(Gaps, AreOnlyOfTheShardsThatAreRead) {
  const auto of_one = reader(TrimHorizon{}, true, {ShardId(1)});
  const auto of_other = reader(TrimHorizon{}, true, {ShardId(0)});
  EXPECT_EQ(drain_with_gaps(*of_one), Lines{"d"});
  EXPECT_EQ(of_other->next(1).batches.size(), 1U);
  expire(4, true);
  EXPECT_EQ(drain_with_gaps(*of_one), Lines{});
  EXPECT_EQ(drain_with_gaps(*of_other), Lines{"0:4-5"});
}

TEST_F(Gaps, AreNoneForAFollowerThatHasReadAll) {
  const auto follower = reader(TrimHorizon{}, true);
  EXPECT_EQ(drain_with_gaps(*follower), (Lines{"a", "b", "c", "d", "e", "f"}));
  expire(4, true);
  EXPECT_EQ(drain_with_gaps(*follower), Lines{});
  put(*open_to_write(), 1, {"g"});
  EXPECT_EQ(drain_with_gaps(*follower), Lines{"g"});
}

TEST_F(Gaps, AreNoneWhereReadingBeginsWithWhatIsThere) {
  expire(1, true);
  EXPECT_EQ(all(), (Lines{"d", "e", "f"}));
  EXPECT_EQ(all(AtTime{start_ - 1h}), (Lines{"d", "e", "f"}));
  EXPECT_EQ(all(LastRecords{100}), (Lines{"d", "e", "f"}));
  const auto early = reader();
  expire(2, true);
  EXPECT_EQ(drain_with_gaps(*early), (Lines{"e", "f"}));
}

TEST_F(Gaps, BeginAtASequenceNumberThatIsGone) {
  expire(1, true);
  EXPECT_EQ(all(AtSequence{SequenceNumber(2)}, {ShardId(0)}), (Lines{"0:2-3", "e", "f"}));
  EXPECT_EQ(all(AfterSequence{SequenceNumber(2)}, {ShardId(0)}), (Lines{"0:3-3", "e", "f"}));
  EXPECT_EQ(all(AfterSequence{SequenceNumber(3)}, {ShardId(0)}), (Lines{"e", "f"}));
  EXPECT_EQ(all(AtSequence{SequenceNumber(0)}, {ShardId(0)}), (Lines{"0:1-3", "e", "f"}));
}

TEST_F(Gaps, EndWhereReadingEnds) {
  expire(4, true);
  const auto bounded = [&](Position from, Position until) {
    return drain_with_gaps(
        *stream_->read({.shards = {ShardId(0)}, .from = std::move(from), .until = std::move(until)}));
  };
  EXPECT_EQ(bounded(AtSequence{SequenceNumber(2)}, AtSequence{SequenceNumber(4)}), Lines{"0:2-3"});
  EXPECT_EQ(bounded(AtSequence{SequenceNumber(4)}, AtSequence{SequenceNumber(2)}), Lines{});
}

TEST_F(Gaps, OfAReadThatEndsStopAtItsEnd) {
  const auto to_the_tail = reader();
  EXPECT_EQ(to_the_tail->next(1).batches.size(), 1U);
  put(*open_to_write(), 0, {"g", "h"});
  clock_.step(1h);
  trim_all();
  EXPECT_EQ(drain_with_gaps(*to_the_tail), (Lines{"0:4-5", "1:1-1"}));
}

TEST_F(Gaps, AreErrorsOfAStrictReader) {
  expire(1, true);
  const auto strictly = [&](Position from) {
    return refusal([&] {
      ReadRequest request{.shards = {ShardId(0)}, .from = std::move(from)};
      request.strict = true;
      drain_with_gaps(*stream_->read(request));
    });
  };
  EXPECT_EQ(strictly(AtSequence{SequenceNumber(3)}), ErrorCode::trimmed);
  EXPECT_EQ(strictly(AtSequence{SequenceNumber(4)}), std::nullopt);
  EXPECT_EQ(strictly(AfterSequence{SequenceNumber(2)}), ErrorCode::trimmed);
  EXPECT_EQ(strictly(AfterSequence{SequenceNumber(3)}), std::nullopt);
  EXPECT_EQ(strictly(AtTime{start_}), ErrorCode::trimmed);
  EXPECT_EQ(strictly(AtTime{start_ + 1us}), std::nullopt);
  EXPECT_EQ(strictly(TrimHorizon{}), std::nullopt);
  EXPECT_EQ(strictly(LastRecords{100}), std::nullopt);
}

TEST_F(Gaps, AreNotWhatDamageIs) {
  const auto follower = reader(TrimHorizon{}, true);
  EXPECT_EQ(follower->next(1).batches.size(), 1U);
  test::RawDatabase(path_).exec("DELETE FROM batches WHERE id <= 3");
  EXPECT_EQ(refusal([&] { drain_with_gaps(*follower); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { all(); }), ErrorCode::corrupt);
  EXPECT_EQ(findings(*stream_).size(), 1U);
}

class DamagedHorizon : public Gaps, public testing::WithParamInterface<const char*> {};

TEST_P(DamagedHorizon, IsFound) {
  expire(2, true);
  ASSERT_GT(test::RawDatabase(path_).exec(GetParam()), 0);
  EXPECT_EQ(refusal([&] { all(); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { put(*open_to_write(), 0, {"g"}); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { stream_->maintenance().statistics(Detail::all); }), ErrorCode::corrupt);
  EXPECT_NE(findings(*stream_), Lines{});
}

INSTANTIATE_TEST_SUITE_P(Columns, DamagedHorizon,
                         testing::Values("UPDATE trim_horizon SET batch = 1", "UPDATE trim_horizon SET batch = 3",
                                         "UPDATE trim_horizon SET arrived_at = 0",
                                         "UPDATE trim_horizon SET tails = x''",
                                         "UPDATE trim_horizon SET checksum = checksum + 1",
                                         "DELETE FROM trim_horizon"));

TEST_F(Gaps, ARowBeforeTheHorizonIsFoundByVerify) {
  expire(2, true);
  test::RawDatabase(path_).exec(
      "INSERT INTO batches SELECT 1, shard, first_sequence, record_count, arrived_at, data_bytes, begins_append, "
      "payload_checksum, checksum, payload FROM batches WHERE id = 3");
  EXPECT_EQ(findings(*stream_).size(), 1U);
}

// --- repair of the clock --------------------------------------------------------------------------------------------

class RepairClock : public Retention {
 protected:
  RepairClock() {
    keep(forever);
    writer_ = open_to_write();
    put(*writer_, 0, {"a"});
    clock_.step(24h);
    put(*writer_, 0, {"b"});
    put(*writer_, 1, {"c"});
    put_batches(*writer_, 1, 1000);  // an index row
    clock_.set(now_);
  }

  void repair() { open_to_write()->maintenance().update({.repair_clock = true}); }

  Timestamp now_ = clock_.now() + 1h;
  std::unique_ptr<Stream> writer_;
};

TEST_F(RepairClock, BringsArrivalsOfTheFutureBackToNow) {
  const auto before = test::read(*stream_);
  repair();
  const auto after = test::read(*stream_);
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after[0].arrived_at, now_ - 1h);
  for (std::size_t i = 1; i < after.size(); ++i) {
    EXPECT_EQ(after[i].arrived_at, now_);
    EXPECT_EQ(after[i].sequence, before[i].sequence);
    EXPECT_EQ(after[i].data, before[i].data);
  }
  EXPECT_EQ(findings(*stream_), Lines{});
  EXPECT_EQ(stream_->describe().last_arrival, now_);
}

TEST_F(RepairClock, IsFollowedByWritersAndReadersThatAreOpen) {
  const auto follower = reader(TrimHorizon{}, true);
  test::drain(*follower);
  repair();
  clock_.step(1s);
  put(*writer_, 0, {"d"});
  EXPECT_EQ(stream_->describe().last_arrival, now_ + 1s);
  EXPECT_EQ(test::data_of(test::drain(*follower)), Lines{"d"});
}

TEST_F(RepairClock, ReachesTheTrimHorizon) {
  clock_.step(48h);
  keep(1h);
  ASSERT_EQ(batches(), "");
  clock_.set(now_);
  repair();
  put(*writer_, 0, {"d"});
  EXPECT_EQ(stream_->describe().last_arrival, now_);
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(RepairClock, ReachesTheTimesOfShards) {
  const std::string path = directory_.path() + "/future";
  clock_.step(24h);
  shardlog::create(path, {}, clock_);
  clock_.step(-24h);
  const auto stream = shardlog::open(path, {Access::write}, clock_);
  stream->maintenance().update({.repair_clock = true});
  EXPECT_EQ(stream->describe().created_at, now_);
  EXPECT_EQ(stream->describe().map.shards()[0].opened_at, now_);
}

TEST_F(RepairClock, ChangesNothingThatIsNotInTheFuture) {
  clock_.step(48h);
  const auto before = test::read(*stream_);
  repair();
  EXPECT_EQ(test::read(*stream_), before);
}

}  // namespace
}  // namespace shardlog

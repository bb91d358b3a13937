#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::data_of;
using test::drain;
using test::mebibyte;
using test::read;
using test::refusal;

/// Two shards, a second between commits: a and d in shard 0, b and c in shard 1.
class ReaderTest : public test::StreamTest {
 protected:
  ReaderTest() {
    create(2);
    writer_ = open_to_write();
    put(*writer_, 0, {"a"});
    clock_.step(1s);
    put(*writer_, 1, {"b"});
    clock_.step(1s);
    put(*writer_, 1, {"c"});
    clock_.step(1s);
    put(*writer_, 0, {"d"});
    stream_ = open_to_read();
  }

  Lines lines_of(const ReadRequest& request, std::size_t budget = any_budget) {
    return data_of(read(*stream_, request, budget));
  }

  Timestamp start_ = clock_.now();
  std::unique_ptr<Stream> writer_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(ReaderTest, ReadsAllInCommitOrder) {
  EXPECT_EQ(lines_of({}), (Lines{"a", "b", "c", "d"}));
}

TEST_F(ReaderTest, ReadsTheSameWhateverTheBudget) {
  for (const std::size_t budget : {std::size_t{1}, std::size_t{2}, std::size_t{100}, 100 * mebibyte}) {
    EXPECT_EQ(lines_of({}, budget), (Lines{"a", "b", "c", "d"})) << budget;
  }
}

TEST_F(ReaderTest, DeliversOneBatchForABudgetOfOneByte) {
  const auto reader = stream_->read({});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(reader->next(1).batches.size(), 1U) << i;
}

TEST_F(ReaderTest, DeliversABatchWhateverTheBudget) {
  EXPECT_EQ(stream_->read({})->next(0).batches.size(), 1U);
}

TEST_F(ReaderTest, StaysWithinItsBudgetButForTheLastBatch) {
  for (int i = 0; i < 8; ++i) put(*writer_, 0, {std::string(mebibyte, 'x')}, Sync::normal);
  const auto reader = stream_->read({});
  EXPECT_EQ(reader->next(3 * mebibyte).batches.size(), 4U + 3U);
}

TEST_F(ReaderTest, IsAtTheEndAgainAndAgain) {
  const auto reader = stream_->read({});
  EXPECT_EQ(drain(*reader).size(), 4U);
  for (int i = 0; i < 3; ++i) {
    const ReadResult result = reader->next(any_budget);
    EXPECT_TRUE(result.at_end);
    EXPECT_TRUE(result.batches.empty());
  }
}

TEST_F(ReaderTest, EndsAtTheTailAsItWasAtTheStart) {
  const auto reader = stream_->read({});
  put(*writer_, 0, {"e"});
  EXPECT_EQ(drain(*reader).size(), 4U);
  put(*writer_, 0, {"f"});
  EXPECT_TRUE(reader->next(any_budget).at_end);
  EXPECT_TRUE(drain(*reader).empty());
}

TEST_F(ReaderTest, OfAnEmptyStreamIsAtTheEnd) {
  const std::string path = directory_.path() + "/empty";
  shardlog::create(path, {}, clock_);
  const auto stream = shardlog::open(path, {}, clock_);
  EXPECT_TRUE(stream->read({})->next(any_budget).at_end);
}

TEST_F(ReaderTest, ReadsOneShard) {
  EXPECT_EQ(lines_of({.shards = {ShardId(1)}}), (Lines{"b", "c"}));
  EXPECT_EQ(lines_of({.shards = {ShardId(1)}}, 1), (Lines{"b", "c"}));
}

TEST_F(ReaderTest, ReadsShardsInCommitOrderInWhateverOrderTheyAreNamed) {
  EXPECT_EQ(lines_of({.shards = {ShardId(1), ShardId(0), ShardId(1)}}), (Lines{"a", "b", "c", "d"}));
}

TEST_F(ReaderTest, OfAnUnknownShardIsRefused) {
  EXPECT_EQ(refusal([&] { stream_->read({.shards = {ShardId(2)}}); }), ErrorCode::not_found);
}

TEST_F(ReaderTest, StartsAtATime) {
  EXPECT_EQ(lines_of({.from = AtTime{start_ - 1h}}), (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(lines_of({.from = AtTime{start_}}), (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(lines_of({.from = AtTime{start_ + 1us}}), (Lines{"b", "c", "d"}));
  EXPECT_EQ(lines_of({.from = AtTime{start_ + 3s}}), Lines{"d"});
  EXPECT_EQ(lines_of({.from = AtTime{start_ + 3s + 1us}}), Lines{});
}

TEST_F(ReaderTest, EndsBeforeATime) {
  EXPECT_EQ(lines_of({.until = AtTime{start_}}), Lines{});
  EXPECT_EQ(lines_of({.until = AtTime{start_ + 1us}}), Lines{"a"});
  EXPECT_EQ(lines_of({.until = AtTime{start_ + 2s}}), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of({.until = AtTime{start_ + 1h}}), (Lines{"a", "b", "c", "d"}));
}

TEST_F(ReaderTest, ReadsBetweenTwoTimes) {
  EXPECT_EQ(lines_of({.from = AtTime{start_ + 1s}, .until = AtTime{start_ + 3s}}), (Lines{"b", "c"}));
  EXPECT_EQ(lines_of({.from = AtTime{start_ + 3s}, .until = AtTime{start_ + 1s}}), Lines{});
}

TEST_F(ReaderTest, ReadsNothingBetweenTheHorizonAndItself) {
  EXPECT_EQ(lines_of({.until = TrimHorizon{}}), Lines{});
}

TEST_F(ReaderTest, ReadsUpToTheLatestOfTheStart) {
  EXPECT_EQ(lines_of({.until = Latest{}}), (Lines{"a", "b", "c", "d"}));
}

TEST_F(ReaderTest, FromLatestHasNothingToRead) {
  EXPECT_EQ(lines_of({.from = Latest{}}), Lines{});
}

TEST_F(ReaderTest, IsOneOfManyOverTheSameStream) {
  const auto one = stream_->read({});
  const auto other = stream_->read({.shards = {ShardId(0)}});
  EXPECT_EQ(one->next(1).batches.size(), 1U);
  EXPECT_EQ(drain(*other).size(), 2U);
  EXPECT_EQ(drain(*one).size(), 3U);
}

TEST_F(ReaderTest, HoldsNoSnapshotBetweenItsCalls) {
  const auto reader = stream_->read({.follow = true});
  test::RawDatabase database(path_);
  sqlite3_busy_timeout(database.getHandle(), 0);
  const sqlite::WriterLock lock(file("lock"), true);
  const auto restart = [&] {
    const auto held = lock.acquire(20s);
    return sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  };
  EXPECT_EQ(restart(), SQLITE_OK) << "before the first call";
  while (true) {
    put(*writer_, 0, {"more"});
    if (reader->next(1).batches.front().records.lines() == "more\n") break;
    EXPECT_EQ(restart(), SQLITE_OK);
  }
  EXPECT_EQ(restart(), SQLITE_OK);
}

TEST_F(ReaderTest, ReadsOnAfterTheLogWasStartedOver) {
  const auto reader = stream_->read({.follow = true});
  EXPECT_EQ(reader->next(1).batches.size(), 1U);
  {
    const sqlite::WriterLock lock(file("lock"), true);
    const auto held = lock.acquire(20s);
    test::RawDatabase(path_).exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  put(*writer_, 0, {"e"});
  EXPECT_EQ(data_of(drain(*reader)), (Lines{"b", "c", "d", "e"}));
}

TEST_F(ReaderTest, NeverWaitsForTheWriterLock) {
  const sqlite::WriterLock lock(file("lock"), true);
  const auto held = lock.acquire(20s);
  EXPECT_EQ(lines().size(), 4U);
  EXPECT_EQ(open_to_read()->maintenance().statistics(Detail::all).shards.size(), 2U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(ReaderTest, ChangesNothing) {
  test::RawDatabase database(path_);
  const auto version = database.number("PRAGMA data_version");
  EXPECT_EQ(lines().size(), 4U);
  EXPECT_EQ(findings(*stream_), Lines{});
  EXPECT_EQ(database.number("PRAGMA data_version"), version);
}

}  // namespace
}  // namespace shardlog

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "engine/forger.h"
#include "engine/raw_database.h"
#include "support/stream_test.h"

namespace shardlog {

void PrintTo(const Intake& intake, std::ostream* out) {
  *out << intake.records << " records, " << intake.bytes << " bytes, " << intake.appends << " appends";
}

namespace {

using namespace std::chrono_literals;
using test::append_all;
using test::batch_of;

/// A stream of which a test counts by itself what each shard takes in. Batch n holds the record "n".
class TakenIn : public test::StreamTest {
 protected:
  using Shards = std::vector<std::uint32_t>;
  using Intakes = std::vector<Intake>;

  TakenIn() { create(static_cast<std::uint32_t>(expected_.size())); }

  /// One commit of a batch in each of these shards, in that order.
  void put_to(Stream& stream, const Shards& order) {
    std::vector<RoutedBatch> batches;
    std::vector<bool> touched(expected_.size());
    for (const std::uint32_t shard : order) {
      const std::string record = std::to_string(++batches_);
      Intake& expected = expected_.at(shard);
      ++expected.records;
      expected.bytes += record.size();
      if (!touched[shard]) ++expected.appends;
      touched[shard] = true;
      batches.push_back(batch_of(shard, {record}));
    }
    ASSERT_TRUE(append_all(stream, batches, Sync::normal));
  }
  void put_to(const Shards& order) { put_to(*open_to_write(), order); }

  /// Batches in shard 0 and 1 in turn.
  static Shards in_turn(std::size_t count) {
    Shards order;
    for (std::size_t i = 0; i < count; ++i) order.push_back(static_cast<std::uint32_t>(i % 2));
    return order;
  }

  Intakes now() {
    Intakes result;
    for (const ShardStatistics& shard : open_to_read()->maintenance().statistics(Detail::load).shards) {
      result.push_back(shard.intake.value());
    }
    return result;
  }
  std::optional<Intakes> before(Timestamp time) { return open_to_read()->maintenance().intake({&time, 1}).at(0); }

  /// What verify finds after a change of rows whose checksums are right.
  Lines findings_after(const std::string& sql) {
    {
      test::Forger forger(path_);
      EXPECT_GT(forger.exec(sql), 0);
      forger.seal("batches");
    }
    return findings(*open_to_read());
  }

  std::size_t batches_ = 0;
  Intakes expected_ = Intakes(3);
};

TEST_F(TakenIn, IsNothingInANewStream) {
  EXPECT_EQ(now(), Intakes(3));
  EXPECT_EQ(before(clock_.now()), Intakes(3));
}

TEST_F(TakenIn, ByOneCommitInOneShardIsOneAppend) {
  put_to({1, 1, 1});
  put_to({1});
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(expected_[1], (Intake{4, 4, 2}));
}

TEST_F(TakenIn, ByOneCommitOverManyShardsIsAnAppendOfEach) {
  put_to({0, 2, 0, 2, 2});
  put_to({2, 1});
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(expected_[2], (Intake{4, 4, 2}));
}

TEST_F(TakenIn, ByACommitThatStoresNothingIsNoAppend) {
  const auto writer = open_to_write();
  put_to(*writer, {0});
  const ProducerMove move{{"load", ""}, {}, {SequenceNumber(1)}};
  EXPECT_TRUE(append_all(*writer, {}, Sync::normal, {&move, 1}));
  test::split(*writer, 2);
  const RoutedBatch closed = batch_of(2, {"refused"});
  EXPECT_FALSE(append_all(*writer, {&closed, 1}, Sync::normal));
  expected_.resize(5);
  EXPECT_EQ(now(), expected_);
}

TEST_F(TakenIn, ByACommitAcrossTheEndOfAStretchIsOneAppend) {
  put_to(in_turn(1500));
  put_to(in_turn(1500));
  put_to({2});
  ASSERT_EQ(test::RawDatabase(path_).text("SELECT group_concat(batch) FROM batch_index"), "1000,2000,3000");
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(expected_[0].appends, 2U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(TakenIn, IsCountedOnByWhoeverOpensTheStreamNext) {
  for (std::size_t commit = 0; commit < 5; ++commit) {
    put_to(in_turn(401));
    EXPECT_EQ(now(), expected_);
  }
}

TEST_F(TakenIn, IsOfTheShardItself) {
  put_to({0, 1, 2});
  const auto writer = open_to_write();
  test::split(*writer, 0);
  test::merge(*writer, 1, 2);
  expected_.resize(6);
  put_to(*writer, {3, 5, 3, 4});
  EXPECT_EQ(now(), expected_);
}

TEST_F(TakenIn, IsKnownAtAnyTimeByOnePass) {
  const auto writer = open_to_write();
  const Timestamp start = clock_.now();
  std::vector<Timestamp> times;
  std::vector<std::optional<Intakes>> expected;
  for (std::size_t second = 0; second < 9; ++second) {
    times.push_back(clock_.now());
    expected.emplace_back(expected_);
    for (std::size_t commit = 0; commit <= second % 3; ++commit) put_to(*writer, in_turn(250));
    if (second == 4) put_to(*writer, {2});
    clock_.step(1s);
  }
  times.push_back(start + 1h);
  expected.emplace_back(expected_);
  EXPECT_EQ(open_to_read()->maintenance().intake(times), expected);
}

TEST_F(TakenIn, StaysKnownWhereRetentionTakesPartOfACommit) {
  const Timestamp first = clock_.now();
  clock_.step(1h);
  std::vector<RoutedBatch> batches;
  batches.push_back(batch_of(0, {"early"}));
  batches.back().arrived_at = first;
  for (const char* const data : {"late", "later"}) batches.push_back(batch_of(0, {data}));
  append_all(*open_to_write(), batches, Sync::full);
  put(*open_to_write(), 0, {"last"});
  open_to_write()->maintenance().update({.retention = 30min});
  ASSERT_EQ(test::RawDatabase(path_).text("SELECT group_concat(begins_append) FROM batches"), "0,0,1");
  EXPECT_EQ(now(), (Intakes{{4, 18, 2}, {}, {}}));
  EXPECT_EQ(before(first), std::nullopt);
  EXPECT_EQ(before(first + 1us), (Intakes{{1, 5, 1}, {}, {}}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(TakenIn, StaysKnownWhereAllIsTrimmed) {
  put_to(in_turn(2500));
  clock_.step(1h);
  open_to_write()->maintenance().update({.retention = 30min});
  ASSERT_EQ(test::RawDatabase(path_).number("SELECT count(*) FROM batches"), 0);
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(before(clock_.now()), expected_);
  put_to({1, 1});
  EXPECT_EQ(now(), expected_);
}

TEST_F(TakenIn, StaysKnownAfterARepairOfTheClock) {
  put_to(in_turn(1500));
  clock_.step(-1h);
  open_to_write()->maintenance().update({.repair_clock = true});
  put_to(in_turn(2));
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(before(clock_.now() + 1us), expected_);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(TakenIn, DoesNotIncludeWhatWasLost) {
  put_to({0, 1});
  const std::size_t kept = log_size();
  put(*open_to_write(), 1, {"lost", "lost too"}, Sync::full);
  std::filesystem::resize_file(file("stream.db-wal"), kept);
  std::filesystem::remove(file("stream.db-shm"));
  open_to_write()->maintenance().update({.accept_loss = true});
  EXPECT_EQ(now(), expected_);
  put_to({2, 1});
  EXPECT_EQ(now(), expected_);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
  clock_.step(1h);
  open_to_write()->maintenance().update({.retention = 30min});
  EXPECT_EQ(now(), expected_) << "with the loss trimmed too";
  EXPECT_EQ(open_to_read()->maintenance().statistics(Detail::load).shards.at(1).trimmed_records, 2U);
}

TEST_F(TakenIn, IsVerifiedByTheIndex) {
  put_to(in_turn(1000));
  put_to({0});
  EXPECT_EQ(findings_after("UPDATE batches SET begins_append = 1 WHERE id = 700"),
            Lines{"index after batch 1000: does not agree with the batches"});
}

TEST_F(TakenIn, BeginsWithTheFirstBatchOfAShard) {
  put_to({0, 1});
  EXPECT_EQ(findings_after("UPDATE batches SET begins_append = 0 WHERE id = 2"),
            Lines{"batch 2: it is the first of shardId-000000000001 and does not begin an append"});
}

/// The numbers of a row of the index, by the rules of shardlog(5).
std::vector<std::uint64_t> numbers_of(const std::string& tails) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t number = 0;
  unsigned shift = 0;
  for (const char each : tails) {
    const auto byte = static_cast<unsigned char>(each);
    number += std::uint64_t{byte % 128U} << shift;
    shift += 7;
    if (byte >= 128U) continue;
    numbers.push_back(number);
    number = shift = 0;
  }
  return numbers;
}

TEST_F(TakenIn, StandsInTheIndexAsItIsDescribed) {
  put_to({0, 2, 2});
  clock_.step(300us);
  put(*open_to_write(), 2, {std::string(4 * test::mebibyte, 'x')}, Sync::normal);
  put_to({1});
  test::RawDatabase database(path_);
  ASSERT_EQ(database.number("SELECT batch FROM batch_index"), 4);
  EXPECT_EQ(numbers_of(database.text("SELECT tails FROM batch_index")),
            (std::vector<std::uint64_t>{0, 2, 1, 1, 1, 300,                        // shard 0
                                        1, 4, 3, 2 + 4 * test::mebibyte, 2, 0}));  // shard 2
}

}  // namespace
}  // namespace shardlog

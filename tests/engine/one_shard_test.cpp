#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/forger.h"
#include "engine/raw_database.h"
#include "shardlog/sqlite/stretch.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using sqlite::Stretch;
using test::append_all;
using test::batch_of;
using test::data_of;
using test::read;

/// A stream of five shards, and readers of one of them. Record n of the stream is "n", and a batch of its own: the id
/// of its batch.
class OneShard : public test::StreamTest {
 protected:
  static constexpr std::uint32_t shards = 5;

  OneShard() { create(shards); }

  /// In one commit, as many batches as shards are given, in that order.
  void put_to(const std::vector<std::uint32_t>& order) {
    std::vector<RoutedBatch> batches;
    for (const std::uint32_t shard : order) {
      batches.push_back(batch_of(shard, {std::to_string(++records_)}));
      order_.push_back(shard);
    }
    append_all(*open_to_write(), batches, Sync::normal);
  }

  /// Shard 0 to 4 in turn, so that batch n is in shard (n - 1) % 5.
  void put_in_turn(std::size_t count) {
    std::vector<std::uint32_t> order;
    for (std::size_t i = 0; i < count; ++i) order.push_back(static_cast<std::uint32_t>(i % shards));
    put_to(order);
  }

  /// What was put to a shard from that record on.
  [[nodiscard]] Lines put_to_shard(std::uint32_t shard, std::size_t from = 1) const {
    Lines lines;
    for (std::size_t record = from; record <= order_.size(); ++record) {
      if (order_[record - 1] == shard) lines.push_back(std::to_string(record));
    }
    return lines;
  }

  static ReadRequest of(std::uint32_t shard, const Position& from = TrimHorizon{}) {
    return {.shards = {ShardId(shard)}, .from = from};
  }
  Lines lines_of(std::uint32_t shard, const Position& from = TrimHorizon{}) {
    return data_of(read(*open_to_read(), of(shard, from)));
  }

  /// What a reader of one shard is told at the end, once it has got all before that.
  std::string end_of(std::uint32_t shard, Lines* before = nullptr) {
    const auto stream = open_to_read();
    const auto reader = stream->read(of(shard));
    std::vector<test::Delivered> records;
    try {
      while (true) {
        const ReadResult result = reader->next(test::any_budget);
        add_to(records, result.batches);
        if (before != nullptr) *before = data_of(records);
        if (result.at_end) return "";
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt);
      return error.what();
    }
  }

  std::string rows() {
    return test::RawDatabase(path_).text(
        "SELECT ifnull(group_concat(last_batch || ':' || length(shards)), '') FROM batch_shards");
  }
  void change(const std::string& sql) { ASSERT_GT(test::RawDatabase(path_).exec(sql), 0) << sql; }

  std::size_t records_ = 0;
  std::vector<std::uint32_t> order_;
};

TEST_F(OneShard, IsToldByTheRowOfEachStretch) {
  put_in_turn(999);
  put_to({4, 2});
  EXPECT_EQ(rows(), "1000:1001");
  std::string expected = "01";
  for (int i = 0; i < 999; ++i) expected += "0" + std::to_string(i % 5);
  EXPECT_EQ(test::RawDatabase(path_).text("SELECT hex(shards) FROM batch_shards"), expected + "04");
}

TEST_F(OneShard, IsToldByRowsOfAllWriters) {
  for (int i = 0; i < 5; ++i) put_in_turn(401);
  EXPECT_EQ(rows(), "1000:1001,2000:1001");
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(OneShard, IsToldByAStretchOfFourMebibytes) {
  put(*open_to_write(), 3, {std::string(4 * test::mebibyte, 'x')}, Sync::normal);
  put(*open_to_write(), 0, {"a"}, Sync::normal);
  EXPECT_EQ(test::RawDatabase(path_).text("SELECT last_batch || ' ' || hex(shards) FROM batch_shards"), "1 0103");
}

TEST_F(OneShard, IsReadFromTheFirstAndTheLastBatchOfAStretch) {
  std::vector<std::uint32_t> order(2100, 1);
  for (const std::size_t batch : {1UL, 1000UL, 2001UL, 2100UL}) order[batch - 1] = 0;
  for (const std::size_t batch : {2UL, 1001UL, 2000UL}) order[batch - 1] = 3;
  put_to(order);
  EXPECT_EQ(lines_of(0), (Lines{"1", "1000", "2001", "2100"}));
  EXPECT_EQ(lines_of(3), (Lines{"2", "1001", "2000"}));
  EXPECT_EQ(lines_of(2), Lines{});
}

TEST_F(OneShard, IsReadAcrossStretchesThatItIsNotIn) {
  std::vector<std::uint32_t> order(5001, 1);
  order[10] = order[4010] = 0;
  put_to(order);
  EXPECT_EQ(lines_of(0), (Lines{"11", "4011"}));
}

TEST_F(OneShard, IsReadByPagesOfOneBatch) {
  put_in_turn(2300);
  const auto stream = open_to_read();
  const auto reader = stream->read(of(2));
  EXPECT_EQ(data_of(test::drain(*reader, 1)), put_to_shard(2));
  EXPECT_TRUE(reader->next(1).at_end);
}

TEST_F(OneShard, IsReadBetweenPositions) {
  put_in_turn(2300);  // shard 2 has record 3 with number 1, 8 with number 2, ...
  EXPECT_EQ(lines_of(2, AtSequence{SequenceNumber(200)}), put_to_shard(2, 998));
  EXPECT_EQ(lines_of(2, AfterSequence{SequenceNumber(200)}), put_to_shard(2, 1003));
  EXPECT_EQ(lines_of(2, LastRecords{261}), put_to_shard(2, 998));
  ReadRequest request = of(2, AtSequence{SequenceNumber(200)});
  request.until = AtSequence{SequenceNumber(202)};
  EXPECT_EQ(data_of(read(*open_to_read(), request)), (Lines{"998", "1003"}));
}

TEST_F(OneShard, IsReadByManyReadersOfOneStreamThatShareWhatTheyHaveSeen) {
  put_in_turn(1300);
  const auto stream = open_to_read();
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      EXPECT_EQ(data_of(read(*stream, of(shard))), put_to_shard(shard)) << shard << " in round " << round;
    }
    put_in_turn(round == 0 ? 3 : 800);  // in the open stretch, then across its end
  }
}

TEST_F(OneShard, IsReadByTheNextReaderOfAStreamFromTheMiddleOfWhatWasSeen) {
  put_in_turn(600);
  const auto stream = open_to_read();
  EXPECT_EQ(data_of(read(*stream, of(3))), put_to_shard(3));
  EXPECT_EQ(data_of(read(*stream, of(4, LastRecords{10}))), put_to_shard(4, 551));
  ReadRequest until = of(4, AtSequence{SequenceNumber(2)});
  until.until = AtSequence{SequenceNumber(4)};
  EXPECT_EQ(data_of(read(*stream, until)), (Lines{"10", "15"}));
}

TEST_F(OneShard, IsFollowedIntoStretchesThatCloseMeanwhile) {
  put_in_turn(700);
  const auto stream = open_to_read();
  const auto reader = stream->read({.shards = {ShardId(1)}, .follow = true});
  Lines lines = data_of(test::drain(*reader));
  for (int i = 0; i < 3; ++i) {
    put_in_turn(700);
    for (const std::string& line : data_of(test::drain(*reader))) lines.push_back(line);
  }
  EXPECT_EQ(lines, put_to_shard(1));
}

// A reader of one shard reads no others in a closed stretch. In the open one any of them could be its own.

TEST_F(OneShard, IsNotHeldUpByABatchOfAnotherThatIsMissing) {
  put_in_turn(1500);
  change("DELETE FROM batches WHERE id = 2");
  EXPECT_EQ(end_of(0), "");
  EXPECT_EQ(lines_of(0), put_to_shard(0));
  EXPECT_NE(end_of(1), "");
}

TEST_F(OneShard, TellsOfABatchOfItsOwnThatIsMissing) {
  put_in_turn(1500);
  change("DELETE FROM batches WHERE id = 6");
  Lines before;
  EXPECT_TRUE(end_of(0, &before).ends_with("batch 6 is missing"));
  EXPECT_EQ(before, Lines{"1"});
}

struct Damage {
  const char* sql;
  std::uint32_t shard;  ///< whose reader is told
  const char* told;
};

TEST_F(OneShard, TellsOfItsDamagedBatchesAndOfAnyThatIsMissingInTheOpenStretch) {
  put_in_turn(1500);
  // Each read stops at the first batch that is wrong, so the last ones come first.
  for (const Damage& damage :
       {Damage{"DELETE FROM batches WHERE id = 1200", 0, "batch 1200 is missing"},
        Damage{"DELETE FROM batches WHERE id = 1000", 4, "batch 1000 is missing"},
        Damage{"UPDATE batches SET arrived_at = arrived_at + 1 WHERE id = 6", 0, "batch 6: checksum mismatch"},
        Damage{"DELETE FROM batches WHERE id = 1", 0, "batch 1 is missing"}}) {
    change(damage.sql);
    EXPECT_TRUE(end_of(damage.shard).ends_with(damage.told)) << damage.sql << ": " << end_of(damage.shard);
  }
}

TEST_F(OneShard, TellsOfABatchThatIsInAnotherShardThanItsStretchSays) {
  put_in_turn(1500);
  {
    test::Forger forger(path_);
    forger.exec("UPDATE batch_shards SET shards = cast(x'01' || zeroblob(1000) AS BLOB)");
    forger.seal("batch_shards");
  }
  Lines before;
  EXPECT_TRUE(end_of(0, &before).ends_with("batch 2 is in shard 1, but its stretch lists it in another"));
  EXPECT_EQ(before, Lines{"1"});
  EXPECT_EQ(findings(*open_to_read()), Lines{"shards of the batches up to 1000: batch 2 is in another shard"});
}

class DamagedStretch : public OneShard, public testing::WithParamInterface<const char*> {
 protected:
  DamagedStretch() {
    put_in_turn(3100);
    change(std::string("UPDATE batch_shards SET ") + GetParam() + " WHERE last_batch = 2000");
  }
};

TEST_P(DamagedStretch, IsFoundByVerify) {
  EXPECT_FALSE(findings(*open_to_read()).empty());
}

TEST_P(DamagedStretch, KeepsNoBatchFromBeingRead) {
  for (std::uint32_t shard = 0; shard < shards; ++shard) EXPECT_EQ(lines_of(shard), put_to_shard(shard)) << shard;
}

INSTANTIATE_TEST_SUITE_P(Columns, DamagedStretch,
                         testing::Values("last_batch = 1999", "last_batch = 2001", "last_batch = 9999",
                                         "checksum = checksum + 1", "shards = x''", "shards = x'01'",
                                         "shards = cast(substr(shards, 1, 1000) AS BLOB)",
                                         "shards = cast(shards || x'00' AS BLOB)", "shards = zeroblob(1001)"));

TEST_F(OneShard, IsReadAllTheSameWhereRowsAreMissing) {
  put_in_turn(5100);
  change("DELETE FROM batch_shards WHERE last_batch IN (1000, 3000, 4000)");
  for (std::uint32_t shard = 0; shard < shards; ++shard) EXPECT_EQ(lines_of(shard), put_to_shard(shard)) << shard;
  change("DELETE FROM batch_shards");
  EXPECT_EQ(lines_of(3), put_to_shard(3));
}

TEST_F(OneShard, TellsOfBatchesThatAreMissingBetweenStretches) {
  put_in_turn(3100);
  change("DELETE FROM batch_shards WHERE last_batch = 2000");
  change("DELETE FROM batches WHERE id BETWEEN 1900 AND 2000");
  EXPECT_TRUE(end_of(0).ends_with("batch 1900 is missing"));
}

TEST_F(OneShard, BeginsInTheMiddleOfAStretchThatIsTrimmed) {
  put_in_turn(700);
  clock_.step(1h);
  put_in_turn(1400);
  open_to_write()->maintenance().update({.retention = 30min});
  EXPECT_EQ(rows(), "1000:1001,2000:1001");
  EXPECT_EQ(lines_of(0), put_to_shard(0, 701));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
  clock_.step(1h);
  put_in_turn(400);
  open_to_write()->maintenance().update({});
  EXPECT_EQ(rows(), "");
  EXPECT_EQ(lines_of(0), put_to_shard(0, 2101));
}

TEST_F(OneShard, HasGapsWhereStretchesAreTrimmedBeforeItsReader) {
  put_in_turn(2500);
  const auto stream = open_to_read();
  const auto reader = stream->read({.shards = {ShardId(0)}, .follow = true});
  ASSERT_EQ(reader->next(1).batches.size(), 1U);
  clock_.step(1h);
  put_in_turn(1000);
  open_to_write()->maintenance().update({.retention = 30min});
  Lines expected = put_to_shard(0, 2501);
  expected.insert(expected.begin(), "0:2-500");
  EXPECT_EQ(test::drain_with_gaps(*reader), expected);
}

TEST_F(OneShard, IsReadAfterARepairOfTheClock) {
  put_in_turn(1200);
  clock_.step(-1h);
  open_to_write()->maintenance().update({.repair_clock = true});
  put_in_turn(1200);
  EXPECT_EQ(lines_of(3), put_to_shard(3));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(OneShard, IsToldOfBatchesThatAreLost) {
  put_in_turn(1200);
  const std::size_t kept = log_size();
  for (std::uint32_t shard = 0; shard < 3; ++shard) put(*open_to_write(), shard, {"lost"}, Sync::full);
  std::filesystem::resize_file(file("stream.db-wal"), kept);
  std::filesystem::remove(file("stream.db-shm"));
  open_to_write()->maintenance().update({.accept_loss = true});
  put_in_turn(1200);
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    Lines expected = put_to_shard(shard);  // 240 before the loss, and after it numbers that are larger by 3
    expected.insert(expected.begin() + 240, std::to_string(shard) + ":241-243");
    const auto stream = open_to_read();
    EXPECT_EQ(test::drain_with_gaps(*stream->read(of(shard))), expected) << shard;
    EXPECT_EQ(lines_of(shard, AtSequence{SequenceNumber(242)}), put_to_shard(shard, 1201)) << shard;
  }
  EXPECT_EQ(rows(), "1000:1001,1200:201,2203:1001");
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(OneShard, IsReadWithItsDescendants) {
  put_in_turn(1200);
  test::split(*open_to_write(), 0);
  put_to({5, 1, 6, 5});
  put_to(std::vector<std::uint32_t>(1000, 1));
  put_to({6, 5});
  const ReadRequest request{.shards = {ShardId(0)}, .descendants = true};
  Lines expected = put_to_shard(0);
  for (const char* const line : {"1201", "1203", "1204", "2205", "2206"}) expected.push_back(line);
  EXPECT_EQ(data_of(read(*open_to_read(), request)), expected);
}

TEST(ManyShards, AreReadOneByOne) {
  const test::TemporaryDirectory directory;
  const test::ManualClock clock;
  const std::string path = directory.path() + "/orders";
  constexpr std::uint32_t many = 10'000;
  create(path, test::of_shards(many), clock);
  const auto stream = open(path, {Access::write, 20s}, clock);
  std::vector<RoutedBatch> batches;
  for (std::uint32_t i = 0; i < 2500; ++i) batches.push_back(batch_of(i * 4 % many, {std::to_string(i)}));
  for (const std::uint32_t shard : {0U, 255U, 256U, 9999U}) batches.push_back(batch_of(shard, {"last"}));
  append_all(*stream, batches, Sync::normal);
  const auto lines = [&](std::uint32_t shard) { return data_of(read(*stream, {.shards = {ShardId(shard)}})); };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines(0), (Lines{"0", "last"}));
  EXPECT_EQ(lines(255), Lines{"last"});
  EXPECT_EQ(lines(256), (Lines{"64", "last"}));
  EXPECT_EQ(lines(3996), Lines{"999"});
  EXPECT_EQ(lines(4000), Lines{"1000"});
  EXPECT_EQ(lines(9999), Lines{"last"});
}

// What a stretch says, by the rules of shardlog(5).

TEST(StretchTest, TakesTheLeastWidthForItsLargestNumber) {
  EXPECT_EQ(Stretch(2, {0, 255}).encoded(), std::string("\1\0\xff", 3));
  EXPECT_EQ(Stretch(2, {0, 256}).encoded(), std::string("\2\0\0\0\1", 5));
  EXPECT_EQ(Stretch(2, {1, 65535}).encoded(), std::string("\2\1\0\xff\xff", 5));
  EXPECT_EQ(Stretch(2, {1, 65536}).encoded(), std::string("\4\1\0\0\0\0\0\1\0", 9));
}

TEST(StretchTest, FindsBatchesAtEveryPlaceInEveryWidth) {
  for (const std::uint32_t wanted : {7U, 300U, 70'000U}) {
    for (std::size_t size = 1; size <= 200; ++size) {
      for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
        std::vector<std::uint32_t> shards(size, wanted - 1);
        shards[place] = wanted;
        const Stretch stretch(1000, shards);
        const auto batch = static_cast<std::int64_t>(1000 - size + 1 + place);
        EXPECT_EQ(stretch.batches_of(std::vector{wanted}), std::vector{batch}) << size;
        EXPECT_EQ(stretch.batches_of(std::vector{1U, wanted}), std::vector{batch}) << size;
        EXPECT_EQ(stretch.shard_of(batch), wanted);
      }
    }
  }
}

TEST(StretchTest, DoesNotTakeALargeShardForASmallOne) {
  EXPECT_TRUE(Stretch(100, std::vector<std::uint32_t>(100, 1)).batches_of(std::vector{257U}).empty());
  EXPECT_TRUE(Stretch(100, std::vector<std::uint32_t>(100, 300)).batches_of(std::vector{65836U}).empty());
}

}  // namespace
}  // namespace shardlog

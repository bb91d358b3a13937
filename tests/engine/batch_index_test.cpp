#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "engine/raw_database.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::append_all;
using test::batch_of;
using test::mebibyte;
using test::read;
using test::refusal;

class BatchIndex : public test::StreamTest {
 protected:
  BatchIndex() { create(2); }

  /// In one commit, turn by turn to both shards.
  void put_batches(Stream& writer, int count) {
    std::vector<RoutedBatch> batches;
    for (int i = 0; i < count; ++i) batches.push_back(batch_of(static_cast<std::uint32_t>(i % 2), {"a"}));
    append_all(writer, batches, Sync::normal);
  }

  /// Batches behind which rows stand.
  std::string rows() {
    return test::RawDatabase(path_).text("SELECT ifnull(group_concat(batch), '') FROM batch_index");
  }

  void damage(const std::string& sql) { ASSERT_GT(test::RawDatabase(path_).exec(sql), 0) << sql; }
};

TEST_F(BatchIndex, HasARowBehindEveryThousandBatches) {
  const auto writer = open_to_write();
  put_batches(*writer, 1000);
  EXPECT_EQ(rows(), "");
  put_batches(*writer, 1);
  EXPECT_EQ(rows(), "1000");
  put_batches(*writer, 2000);
  EXPECT_EQ(rows(), "1000,2000,3000");
}

TEST_F(BatchIndex, CountsTheBatchesOfAllWriters) {
  for (int i = 0; i < 5; ++i) put_batches(*open_to_write(), 401);
  EXPECT_EQ(rows(), "1000,2000");
}

TEST_F(BatchIndex, CountsOnlyFromTheLastRowOn) {
  put_batches(*open_to_write(), 1500);
  put_batches(*open_to_write(), 501);
  EXPECT_EQ(rows(), "1000,2000");
}

TEST_F(BatchIndex, HasARowBehindEveryFourMebibytes) {
  const auto writer = open_to_write();
  put(*writer, 0, {std::string(4 * mebibyte - 1, 'x')}, Sync::normal);
  put(*writer, 1, {"y"}, Sync::normal);
  EXPECT_EQ(rows(), "");
  put(*writer, 0, {"z"}, Sync::normal);
  EXPECT_EQ(rows(), "2");
  put(*writer, 0, {std::string(4 * mebibyte, 'x')}, Sync::normal);
  put(*writer, 0, {"z"}, Sync::normal);
  EXPECT_EQ(rows(), "2,4");
}

TEST_F(BatchIndex, CountsTheBytesOfAllWriters) {
  for (int i = 0; i < 5; ++i) put(*open_to_write(), 0, {std::string(2 * mebibyte, 'x')}, Sync::normal);
  EXPECT_EQ(rows(), "2,4");
}

TEST_F(BatchIndex, AgreesWithTheBatches) {
  const auto writer = open_to_write();
  for (int i = 0; i < 4; ++i) {
    put_batches(*writer, 999);
    clock_.step(1s);
  }
  EXPECT_EQ(rows(), "1000,2000,3000");
  EXPECT_EQ(findings(*writer), Lines{});
}

TEST_F(BatchIndex, LeadsToATimeAnywhere) {
  const auto writer = open_to_write();
  const Timestamp start = clock_.now();
  for (int i = 0; i < 8; ++i) {
    put_batches(*writer, 500);
    clock_.step(1s);
  }
  for (int i = 0; i < 8; ++i) {
    const std::size_t left = 4000U - 500U * static_cast<unsigned>(i);
    EXPECT_EQ(read(*writer, {.from = AtTime{start + i * 1s}}).size(), left) << i;
    EXPECT_EQ(read(*writer, {.from = AtTime{start + i * 1s + 1us}}).size(), left - 500) << i;
  }
}

TEST_F(BatchIndex, DoesNotHideBatchesWhereItsRowsAreLost) {
  put_batches(*open_to_write(), 2001);
  damage("DELETE FROM batch_index");
  EXPECT_EQ(read(*open_to_read()).size(), 2001U);
  const auto writer = open_to_write();
  EXPECT_EQ(put(*writer, 0, {"a"}), "1002");
  EXPECT_EQ(findings(*writer), Lines{});
}

class DamagedIndex : public BatchIndex, public testing::WithParamInterface<const char*> {
 protected:
  DamagedIndex() {
    const auto writer = open_to_write();
    put_batches(*writer, 2100);
    damage(std::string("UPDATE batch_index SET ") + GetParam() + " WHERE batch = 2000");
  }
};

TEST_P(DamagedIndex, IsFoundByVerify) {
  EXPECT_EQ(findings(*open_to_read()).size(), 1U);
}

TEST_P(DamagedIndex, IsFoundByTheNextWriterThatUsesIt) {
  EXPECT_EQ(refusal([&] { put(*open_to_write(), 0, {"a"}); }), ErrorCode::corrupt);
}

TEST_P(DamagedIndex, IsFoundByAReaderThatUsesIt) {
  const auto stream = open_to_read();
  EXPECT_EQ(refusal([&] { stream->read({.from = Latest{}, .follow = true}); }), ErrorCode::corrupt);
}

TEST_P(DamagedIndex, IsFoundByStatistics) {
  EXPECT_EQ(refusal([&] { open_to_read()->maintenance().statistics(Detail::all); }), ErrorCode::corrupt);
}

TEST_P(DamagedIndex, DoesNotKeepBatchesFromBeingReadInTheirOrder) {
  EXPECT_EQ(read(*open_to_read()).size(), 2100U);
}

INSTANTIATE_TEST_SUITE_P(Columns, DamagedIndex,
                         testing::Values("batch = 1999", "arrived_at = arrived_at + 1", "arrived_at = arrived_at - 1",
                                         "checksum = checksum + 1", "tails = x''", "tails = substr(tails, 1, 1)",
                                         "tails = substr(tails, 1, length(tails) - 1)",
                                         "tails = cast(substr(tails, 2) || x'00' AS BLOB)", "tails = zeroblob(64)",
                                         "tails = cast(tails || tails AS BLOB)"));

TEST_F(BatchIndex, DamagedInAnOlderRowDoesNotMisleadStatistics) {
  const auto writer = open_to_write();
  put(*writer, 1, {"a"});
  for (int i = 0; i < 3; ++i) put(*writer, 0, {std::string(4 * mebibyte, 'x')}, Sync::normal);
  put(*writer, 0, {"b"});
  ASSERT_EQ(rows(), "2,3,4");
  damage("UPDATE batch_index SET tails = x'' WHERE batch = 2");
  EXPECT_EQ(refusal([&] { open_to_read()->maintenance().statistics(Detail::all); }), ErrorCode::corrupt);
}

TEST_F(BatchIndex, ThatKnowsOfBatchesWhichAreGoneIsFoundByVerify) {
  put_batches(*open_to_write(), 1001);
  damage("DELETE FROM batches WHERE id > 900");
  EXPECT_EQ(findings(*open_to_read()).size(), 1U);
}

TEST_F(BatchIndex, ThatKnowsOfBatchesWhichAreGoneStopsTheNextReader) {
  put_batches(*open_to_write(), 1001);
  damage("DELETE FROM batches WHERE id > 900");
  const auto stream = open_to_read();
  EXPECT_EQ(refusal([&] { read(*stream); }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog

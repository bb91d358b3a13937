#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "engine/raw_database.h"
#include "shardlog/sqlite/batch_row.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::any_budget;
using test::append_all;
using test::data_of;
using test::read;
using test::refusal;

/// Six batches of two records, in turn of two shards, of which the fourth is damaged.
class Damage : public test::StreamTest {
 protected:
  Damage() {
    create(2);
    const auto writer = open_to_write();
    for (std::uint32_t i = 0; i < 6; ++i) {
      const std::string number = std::to_string(i + 1);
      put(*writer, i % 2, {number + "a", number + "b"}, Sync::normal);
    }
  }

  void damage(const std::string& sql) {
    const int changed = test::RawDatabase(path_).exec(sql);
    ASSERT_GT(changed, 0) << sql;
    stream_ = open_to_read();
  }

  /// What `request` delivers before it is refused, and that it is refused again and again.
  Lines delivered(std::size_t budget, ReadRequest request = {}) {
    const auto reader = stream_->read(request);
    std::vector<test::Delivered> records;
    std::optional<ErrorCode> code;
    for (int calls = 0; !code && calls < 100; ++calls) {
      code = refusal([&] {
        const ReadResult result = reader->next(budget);
        EXPECT_FALSE(result.at_end);
        add_to(records, result.batches);
      });
    }
    EXPECT_EQ(code, ErrorCode::corrupt);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(refusal([&] { add_to(records, reader->next(budget).batches); }), ErrorCode::corrupt) << i;
    }
    return data_of(records);
  }

  void expect_stop_before_the_fourth() {
    const Lines before{"1a", "1b", "2a", "2b", "3a", "3b"};
    EXPECT_EQ(delivered(any_budget), before) << "read at once";
    EXPECT_EQ(delivered(1), before) << "read one by one";
    EXPECT_EQ(delivered(60), before) << "read by twos";
    EXPECT_EQ(delivered(1, {.follow = true}), before) << "followed";
    EXPECT_GE(findings(*stream_).size(), 1U);
  }

  std::unique_ptr<Stream> stream_;
};

struct Case {
  std::string name;
  std::string sql;

  friend std::ostream& operator<<(std::ostream& out, const Case& each) { return out << each.sql; }
};

class DamagedRow : public Damage, public testing::WithParamInterface<Case> {};

TEST_P(DamagedRow, StopsTheReaderBeforeIt) {
  damage(GetParam().sql);
  expect_stop_before_the_fourth();
}

TEST_P(DamagedRow, OfAnotherShardStopsTheReaderToo) {
  damage(GetParam().sql);
  EXPECT_EQ(delivered(1, {.shards = {ShardId(0)}}), (Lines{"1a", "1b", "3a", "3b"}));
}

const std::string fourth = " WHERE id = 4";

INSTANTIATE_TEST_SUITE_P(
    Rows, DamagedRow,
    testing::Values(
        Case{"shard", "UPDATE batches SET shard = 0" + fourth},
        Case{"shard_that_is_not_there", "UPDATE batches SET shard = 2" + fourth},
        Case{"first_sequence_less", "UPDATE batches SET first_sequence = first_sequence - 1" + fourth},
        Case{"first_sequence_more", "UPDATE batches SET first_sequence = first_sequence + 1" + fourth},
        Case{"arrived_earlier", "UPDATE batches SET arrived_at = arrived_at - 1" + fourth},
        Case{"arrived_later", "UPDATE batches SET arrived_at = arrived_at + 1" + fourth},
        Case{"record_count_less", "UPDATE batches SET record_count = 1" + fourth},
        Case{"record_count_more", "UPDATE batches SET record_count = 3" + fourth},
        Case{"record_count_none", "UPDATE batches SET record_count = 0" + fourth},
        Case{"data_bytes", "UPDATE batches SET data_bytes = data_bytes + 1" + fourth},
        Case{"begins_append", "UPDATE batches SET begins_append = 1 - begins_append" + fourth},
        Case{"begins_append_twice", "UPDATE batches SET begins_append = 2" + fourth},
        Case{"payload_checksum", "UPDATE batches SET payload_checksum = payload_checksum + 1" + fourth},
        Case{"checksum", "UPDATE batches SET checksum = checksum + 1" + fourth},
        Case{"all_but_the_id",
             "UPDATE batches SET (shard, first_sequence, record_count, arrived_at, data_bytes, begins_append, "
             "payload_checksum, checksum, payload) = (SELECT shard, first_sequence, record_count, arrived_at, "
             "data_bytes, begins_append, payload_checksum, checksum, payload FROM batches WHERE id = 6) WHERE id = 4"}),
    [](const testing::TestParamInfo<Case>& each) { return each.param.name; });

class DamagedPayload : public Damage, public testing::WithParamInterface<Case> {};

TEST_P(DamagedPayload, StopsTheReaderBeforeIt) {
  damage(GetParam().sql);
  expect_stop_before_the_fourth();
}

TEST_P(DamagedPayload, IsNothingToAReaderOfOtherShards) {
  damage(GetParam().sql);
  EXPECT_EQ(data_of(read(*stream_, {.shards = {ShardId(0)}})), (Lines{"1a", "1b", "3a", "3b", "5a", "5b"}));
}

INSTANTIATE_TEST_SUITE_P(
    Payloads, DamagedPayload,
    testing::Values(
        Case{"payload_empty", "UPDATE batches SET payload = x''" + fourth},
        Case{"payload_cut_off", "UPDATE batches SET payload = substr(payload, 1, length(payload) - 1)" + fourth},
        Case{"payload_too_long", "UPDATE batches SET payload = cast(payload || x'00' AS BLOB)" + fourth},
        Case{"payload_last_byte",
             "UPDATE batches SET payload = cast(substr(payload, 1, length(payload) - 1) || x'00' AS BLOB)" + fourth},
        Case{"payload_of_another", "UPDATE batches SET payload = (SELECT payload FROM batches WHERE id = 6)" + fourth}),
    [](const testing::TestParamInfo<Case>& each) { return each.param.name; });

TEST_F(Damage, SwappedPayloadsAreFound) {
  damage(
      "CREATE TEMP TABLE kept AS SELECT id, payload FROM batches WHERE id IN (4, 6);"
      "UPDATE batches SET payload = (SELECT payload FROM kept WHERE kept.id = 10 - batches.id) WHERE id IN (4, 6)");
  expect_stop_before_the_fourth();
  EXPECT_EQ(findings(*stream_).size(), 2U);
}

TEST_F(Damage, AMissingRowStopsTheReaderBeforeIt) {
  damage("DELETE FROM batches WHERE id = 4");
  expect_stop_before_the_fourth();
}

TEST_F(Damage, AMissingRowOfAnotherShardStopsTheReaderToo) {
  damage("DELETE FROM batches WHERE id = 4");
  EXPECT_EQ(delivered(1, {.shards = {ShardId(0)}}), (Lines{"1a", "1b", "3a", "3b"}));
}

TEST_F(Damage, AMissingRowIsFoundThoughItsShardHasNoOtherBehindIt) {
  damage("DELETE FROM batches WHERE id = 5");
  EXPECT_EQ(delivered(any_budget), (Lines{"1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b"}));
  EXPECT_GE(findings(*stream_).size(), 1U);
}

TEST_F(Damage, AMissingFirstRowIsFound) {
  damage("DELETE FROM batches WHERE id = 1");
  EXPECT_EQ(delivered(any_budget), Lines{});
}

TEST_F(Damage, ARowThatStandsTwiceIsFound) {
  damage(
      "INSERT INTO batches SELECT 7, shard, first_sequence, record_count, arrived_at, data_bytes, begins_append, "
      "payload_checksum, checksum, payload FROM batches WHERE id = 6");
  EXPECT_EQ(refusal([&] { read(*stream_); }), ErrorCode::corrupt);
}

/// The fourth row with a checksum that is right, as a defect of a writer would leave it.
class WrongRow : public Damage, public testing::WithParamInterface<Case> {
 protected:
  void change() {
    damage(GetParam().sql);
    test::RawDatabase database(path_);
    SQLite::Statement rows(database, fmt::format("SELECT {} FROM batches WHERE id = 4", sqlite::batch_row_columns));
    ASSERT_TRUE(rows.executeStep());
    sqlite::BatchRow row;
    row.id = rows.getColumn(0).getInt64();
    row.shard = rows.getColumn(1).getInt64();
    row.first_sequence = rows.getColumn(2).getInt64();
    row.record_count = rows.getColumn(3).getInt64();
    row.arrived_at = Timestamp(Duration(rows.getColumn(4).getInt64()));
    row.data_bytes = rows.getColumn(5).getInt64();
    row.begins_append = rows.getColumn(6).getInt() != 0;
    row.payload_checksum = static_cast<std::uint64_t>(rows.getColumn(7).getInt64());
    rows.reset();
    damage(fmt::format("UPDATE batches SET checksum = {}", static_cast<std::int64_t>(row.checksum())) + fourth);
  }
};

TEST_P(WrongRow, StopsTheReaderBeforeIt) {
  change();
  expect_stop_before_the_fourth();
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WrongRow,
    testing::Values(Case{"sequence_that_was_given", "UPDATE batches SET first_sequence = 2" + fourth},
                    Case{"sequence_left_out", "UPDATE batches SET first_sequence = 4" + fourth},
                    Case{"arrival_before_the_last", "UPDATE batches SET arrived_at = arrived_at - 1" + fourth},
                    Case{"shard_that_is_not_there", "UPDATE batches SET shard = 2" + fourth},
                    Case{"no_records", "UPDATE batches SET record_count = 0" + fourth},
                    Case{"fewer_records", "UPDATE batches SET record_count = 1" + fourth},
                    Case{"more_bytes", "UPDATE batches SET data_bytes = data_bytes + 1" + fourth}),
    [](const testing::TestParamInfo<Case>& each) { return each.param.name; });

TEST_F(Damage, StopsAWriterThatWouldContinueIt) {
  damage("DELETE FROM batches WHERE id = 4");
  const auto writer = open_to_write();
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"new"}); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"new"}); }), ErrorCode::corrupt);
  EXPECT_EQ(open_to_read()->describe().turn, 6U);
}

TEST_F(Damage, EndsVerifyAtNothingButListsAll) {
  damage("UPDATE batches SET payload = x'' WHERE id IN (2, 4)");
  const VerifyReport report = stream_->maintenance().verify([](double) { return true; });
  EXPECT_EQ(report.batches, 6U);
  EXPECT_EQ(report.records, 8U);
  EXPECT_EQ(report.findings.size(), 2U);
}

TEST_F(Damage, ARecordInTheWrongShardIsFoundByVerify) {
  const std::vector<Record> records{{"a", std::nullopt, HashKey(0)}};
  const RoutedBatch batch{ShardId(1), encode(records)};
  append_all(*open_to_write(), {&batch, 1}, Sync::full);
  EXPECT_EQ(findings(*open_to_read()).size(), 1U);
}

TEST_F(Damage, IsLookedForUntilTheCallerHasHadEnough) {
  const auto writer = open_to_write();
  for (int i = 0; i < 3; ++i) put(*writer, 0, {std::string(4 * test::mebibyte, 'x')}, Sync::normal);
  int calls = 0;
  const VerifyReport report = writer->maintenance().verify([&](double) { return ++calls < 2; });
  EXPECT_EQ(calls, 2);
  EXPECT_LT(report.batches, 9U);
  EXPECT_GT(report.batches, 0U);
}

TEST_F(Damage, IsAbsentFromAWholeStream) {
  const VerifyReport report = open_to_read()->maintenance().verify([](double done) {
    EXPECT_GT(done, 0.0);
    EXPECT_LE(done, 1.0);
    return true;
  });
  EXPECT_EQ(report.batches, 6U);
  EXPECT_EQ(report.records, 12U);
  EXPECT_EQ(report.findings, Lines{});
}

}  // namespace
}  // namespace shardlog

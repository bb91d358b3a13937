#include <gtest/gtest.h>

#include <string>

#include "engine/raw_database.h"
#include "engine/stream_test.h"
#include "unit/refusal.h"

namespace shardlog {
namespace {

using test::refusal;

class Schema : public test::StreamTest {
 protected:
  Schema() { create(); }

  /// The code with which the stream is refused after `sql`, the same whoever opens it.
  std::optional<ErrorCode> refused_after(const std::string& sql) {
    test::RawDatabase(path_).exec(sql);
    const auto to_write = refusal([&] { open_to_write(); });
    EXPECT_EQ(refusal([&] { open_to_read(); }), to_write);
    return to_write;
  }

  std::string message() {
    try {
      open_to_read();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(Schema, OfANewStreamIsAccepted) {
  EXPECT_EQ(refused_after(""), std::nullopt);
}

TEST_F(Schema, OfAnotherApplicationIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA application_id=1"), ErrorCode::corrupt);
}

TEST_F(Schema, OfNoApplicationIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA application_id=0"), ErrorCode::corrupt);
}

TEST_F(Schema, OfANewerVersionIsRefusedByItsName) {
  EXPECT_EQ(refused_after("PRAGMA user_version=73"), ErrorCode::unsupported);
  EXPECT_NE(message().find("version 73"), std::string::npos) << message();
}

TEST_F(Schema, OfTheNextVersionIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA user_version=2"), ErrorCode::unsupported);
}

TEST_F(Schema, OfANewerVersionIsRefusedAsSuchWhateverItsTablesAre) {
  EXPECT_EQ(refused_after("PRAGMA user_version=2; DROP TABLE shards; CREATE TABLE later(a)"), ErrorCode::unsupported);
}

TEST_F(Schema, OfAVersionThatNeverWasIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA user_version=0"), ErrorCode::corrupt);
  EXPECT_EQ(refused_after("PRAGMA user_version=-1"), ErrorCode::corrupt);
}

TEST_F(Schema, WithAForeignTableIsRefused) {
  EXPECT_EQ(refused_after("CREATE TABLE zebra(a)"), ErrorCode::corrupt);
  EXPECT_NE(message().find("zebra"), std::string::npos) << message();
}

TEST_F(Schema, WithAForeignTableBeforeAllOthersIsRefused) {
  EXPECT_EQ(refused_after("CREATE TABLE aardvark(a)"), ErrorCode::corrupt);
}

TEST_F(Schema, WithATriggerIsRefused) {
  EXPECT_EQ(refused_after("CREATE TRIGGER zebra AFTER INSERT ON batches BEGIN DELETE FROM shards; END"),
            ErrorCode::corrupt);
}

TEST_F(Schema, WithAViewIsRefused) {
  EXPECT_EQ(refused_after("CREATE VIEW zebra AS SELECT * FROM batches"), ErrorCode::corrupt);
}

TEST_F(Schema, WithAViewInPlaceOfATableIsRefused) {
  EXPECT_EQ(refused_after("DROP TABLE batches; CREATE VIEW batches AS SELECT 1 AS id"), ErrorCode::corrupt);
}

TEST_F(Schema, WithAnIndexIsRefused) {
  EXPECT_EQ(refused_after("CREATE INDEX zebra ON batches(shard)"), ErrorCode::corrupt);
}

TEST_F(Schema, WithAColumnMoreIsRefused) {
  EXPECT_EQ(refused_after("ALTER TABLE batches ADD COLUMN more TEXT"), ErrorCode::corrupt);
}

TEST_F(Schema, WithARenamedColumnIsRefused) {
  EXPECT_EQ(refused_after("ALTER TABLE shards RENAME COLUMN parent TO mother"), ErrorCode::corrupt);
}

TEST_F(Schema, WithATableLessIsRefused) {
  EXPECT_EQ(refused_after("DROP TABLE batch_index"), ErrorCode::corrupt);
  EXPECT_EQ(refused_after("DROP TABLE settings"), ErrorCode::corrupt);
}

TEST_F(Schema, WithoutStrictTypesIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') "
                          "WHERE name = 'batches'"),
            ErrorCode::corrupt);
}

TEST_F(Schema, WithoutAnythingIsRefused) {
  EXPECT_EQ(refused_after("DROP TABLE batches; DROP TABLE batch_index; DROP TABLE settings; DROP TABLE shards"),
            ErrorCode::corrupt);
}

TEST_F(Schema, WithoutAWriteAheadLogIsRefused) {
  EXPECT_EQ(refused_after("PRAGMA journal_mode=DELETE"), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/forger.h"
#include "engine/raw_database.h"
#include "shardlog/core/uuid.h"
#include "support/refusal.h"
#include "support/stream_test.h"

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

  /// Stores a feature, as a newer program would.
  void announce(const std::string& feature, const std::string& kind) {
    test::Forger database(path_);
    database.exec("INSERT INTO settings(name, value) VALUES ('feature:" + feature + "', '" + kind + "')");
    database.seal("settings");
  }

  /// Changes a row that is there, if `turn` is not 0, and adds one, in each of the tables that can have several.
  void use_tables(std::uint32_t turn) {
    const auto stream = open_to_write();
    // Two, so that a row of the index stands between them.
    const std::array batches{test::batch_of(2 * turn, {std::string(4 * test::mebibyte, 'x')}),
                             test::batch_of(2 * turn, {"a record"})};
    const auto from = turn == 0 ? std::nullopt : std::optional(SequenceNumber(turn));
    const std::vector<ProducerMove> moves{{{"load", ""}, from, {SequenceNumber(turn + 1)}},
                                          {{"load", std::to_string(turn)}, {}, {SequenceNumber(1)}}};
    EXPECT_TRUE(test::append_all(*stream, batches, Sync::full, moves));
    use_consumer(*stream, "billing", turn);
    use_consumer(*stream, std::to_string(turn), turn);
    test::split(*stream, 2 * turn);
  }

  void use_consumer(Stream& stream, const std::string& name, std::uint32_t turn) {
    const auto before = stream.leases().find(name);
    Consumer consumer = before.value_or(Consumer{.name = name, .uuid = make_uuid()});
    ++consumer.generation;
    consumer.leases.push_back({.shard = ShardId(turn)});
    EXPECT_TRUE(stream.leases().replace(before, consumer));
  }

  /// What the column `notes` of a table holds, each text once.
  std::string notes(const std::string& table) {
    return test::RawDatabase(path_).text("SELECT group_concat(m) FROM (SELECT DISTINCT notes AS m FROM " + table +
                                         " ORDER BY m)");
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

struct Change {
  const char* name;
  const char* sql;
  ErrorCode code;
};

class AnotherSchema : public Schema, public testing::WithParamInterface<Change> {};

TEST_P(AnotherSchema, IsRefused) {
  EXPECT_EQ(refused_after(GetParam().sql), GetParam().code);
}

constexpr Change changes[] = {
    {"OfAnotherApplication", "PRAGMA application_id=1", ErrorCode::corrupt},
    {"OfNoApplication", "PRAGMA application_id=0", ErrorCode::corrupt},
    {"OfTheNextVersion", "PRAGMA user_version=2", ErrorCode::unsupported},
    {"OfVersion0", "PRAGMA user_version=0", ErrorCode::corrupt},
    {"OfVersionMinus1", "PRAGMA user_version=-1", ErrorCode::corrupt},
    {"WithAForeignTableBeforeAllOthers", "CREATE TABLE aardvark(a)", ErrorCode::corrupt},
    {"WithATrigger", "CREATE TRIGGER zebra AFTER INSERT ON batches BEGIN DELETE FROM shards; END", ErrorCode::corrupt},
    {"WithAView", "CREATE VIEW zebra AS SELECT * FROM batches", ErrorCode::corrupt},
    {"WithAViewInPlaceOfATable", "DROP TABLE batches; CREATE VIEW batches AS SELECT 1 AS id", ErrorCode::corrupt},
    {"WithAnIndex", "CREATE INDEX zebra ON batches(shard)", ErrorCode::corrupt},
    {"WithAColumnMore", "ALTER TABLE batches ADD COLUMN more TEXT", ErrorCode::corrupt},
    {"WithARenamedColumn", "ALTER TABLE shards RENAME COLUMN parent TO mother", ErrorCode::corrupt},
    {"WithoutATable", "DROP TABLE batch_index", ErrorCode::corrupt},
    {"WithoutItsSettings", "DROP TABLE settings", ErrorCode::corrupt},
    {"WithoutStrictTypes",
     "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') "
     "WHERE name = 'batches'",
     ErrorCode::corrupt},
    {"WithoutAnything", "DROP TABLE batches; DROP TABLE batch_index; DROP TABLE settings; DROP TABLE shards",
     ErrorCode::corrupt},
    {"WithoutAWriteAheadLog", "PRAGMA journal_mode=DELETE", ErrorCode::corrupt}};

INSTANTIATE_TEST_SUITE_P(Each, AnotherSchema, testing::ValuesIn(changes),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(Schema, OfANewerVersionIsRefusedByItsName) {
  EXPECT_EQ(refused_after("PRAGMA user_version=73"), ErrorCode::unsupported);
  EXPECT_NE(message().find("version 73"), std::string::npos) << message();
}

TEST_F(Schema, OfANewerVersionIsRefusedAsSuchWhateverItsTablesAre) {
  EXPECT_EQ(refused_after("PRAGMA user_version=2; DROP TABLE shards; CREATE TABLE later(a)"), ErrorCode::unsupported);
}

TEST_F(Schema, WithAForeignTableIsRefused) {
  EXPECT_EQ(refused_after("CREATE TABLE zebra(a)"), ErrorCode::corrupt);
  EXPECT_NE(message().find("zebra"), std::string::npos) << message();
}

TEST_F(Schema, WithTablesOfACompatibleFeatureIsAccepted) {
  announce("notes", "compatible");
  EXPECT_EQ(refused_after("CREATE TABLE notes(a TEXT UNIQUE); CREATE TABLE notes_minutes(a INTEGER PRIMARY KEY);"
                          "CREATE INDEX by_a ON notes(a); CREATE INDEX notes_by_shard ON batches(shard)"),
            std::nullopt);
}

TEST_F(Schema, WithATableThatOnlyBeginsLikeAFeatureIsRefusedByItsName) {
  announce("notes", "compatible");
  EXPECT_EQ(refused_after("CREATE TABLE notesminutes(a)"), ErrorCode::corrupt);
  EXPECT_NE(message().find("'notesminutes'"), std::string::npos) << message();
}

TEST_F(Schema, WithATableOfAKnownFeatureIsRefused) {
  announce("loss", "incompatible");
  EXPECT_EQ(refused_after("CREATE TABLE loss_more(a)"), ErrorCode::corrupt);
}

TEST_F(Schema, WithATriggerOrAViewOfAFeatureIsRefused) {
  announce("notes", "compatible");
  EXPECT_EQ(refused_after("CREATE VIEW notes_view AS SELECT * FROM batches"), ErrorCode::corrupt);
  EXPECT_EQ(refused_after("DROP VIEW notes_view; CREATE TRIGGER notes_trigger AFTER INSERT ON batches "
                          "BEGIN DELETE FROM shards; END"),
            ErrorCode::corrupt);
}

TEST_F(Schema, WithATableOfAFeatureThatIsCompatibleToReadCanBeRead) {
  announce("replicas", "read");
  test::RawDatabase(path_).exec("CREATE TABLE replicas(a)");
  EXPECT_EQ(refusal([&] { open_to_read(); }), std::nullopt);
  EXPECT_EQ(refusal([&] { open_to_write(); }), ErrorCode::unsupported);
}

TEST_F(Schema, ThatAnIncompatibleFeatureHasChangedIsRefusedByItsName) {
  announce("replicas", "incompatible");
  EXPECT_EQ(refused_after("DROP TABLE batches; CREATE TABLE batches(more)"), ErrorCode::unsupported);
  EXPECT_NE(message().find("'replicas'"), std::string::npos) << message();
}

TEST_F(Schema, WithColumnsOfACompatibleFeatureIsAcceptedAndTheyAreKept) {
  use_tables(0);
  announce("notes", "compatible");
  const std::vector<std::string> grown{"batch_index", "batch_shards", "batches", "consumers",
                                       "leases",      "producers",    "shards"};
  const std::vector<std::string> constant{"settings", "trim_horizon"};
  for (const auto* const tables : {&grown, &constant}) {
    for (const std::string& table : *tables) {
      test::RawDatabase(path_).exec("ALTER TABLE " + table + " ADD COLUMN notes_more TEXT; ALTER TABLE " + table +
                                    " ADD COLUMN notes TEXT NOT NULL DEFAULT 'new'; UPDATE " + table +
                                    " SET notes = 'kept'");
    }
  }
  use_tables(1);
  clock_.step(std::chrono::seconds(-1));  // so that the repair replaces rows
  open_to_write()->maintenance().update({.max_record_size = 4096, .repair_clock = true});
  for (const std::string& table : grown) EXPECT_EQ(notes(table), "kept,new") << table;
  clock_.step(std::chrono::hours(2));
  open_to_write()->maintenance().update({.retention = std::chrono::hours(1)});
  for (const std::string& table : constant) EXPECT_EQ(notes(table), "kept") << table;
  EXPECT_EQ(open_to_read()->leases().find("billing")->leases.size(), 2U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Schema, WithAColumnOfNoFeatureIsRefusedByItsName) {
  announce("notes", "compatible");
  EXPECT_EQ(refused_after("ALTER TABLE shards ADD COLUMN notes TEXT; ALTER TABLE shards ADD COLUMN more TEXT"),
            ErrorCode::corrupt);
  EXPECT_NE(message().find("'more'"), std::string::npos) << message();
}

TEST_F(Schema, WithMoreThanColumnsIsRefused) {
  announce("notes", "compatible");
  EXPECT_EQ(refused_after("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ', CHECK "
                          "(id > 0)) STRICT') WHERE name = 'batches'"),
            ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog

#include "shardlog/sqlite/settings.h"

#include <SQLiteCpp/Transaction.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/forger.h"
#include "engine/raw_database.h"
#include "shardlog/sqlite/database.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog::sqlite {
namespace {

using test::refusal;

class StoredSettings : public test::StreamTest {
 protected:
  StoredSettings() {
    shardlog::create(path_, {.shards = 3, .settings = {.tags = {{"team", "blue"}, {"empty", ""}}}, .group = {}},
                     clock_);
  }

  /// Sets or removes a setting, as a newer program would.
  void set(const std::string& name, const std::optional<std::string>& value) {
    test::Forger database(path_);
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec("DELETE FROM settings WHERE name = '" + name + "'");
    if (value) database.exec("INSERT INTO settings(name, value) VALUES ('" + name + "', '" + *value + "')");
    database.exec("UPDATE settings SET value = CAST(value + 1 AS TEXT) WHERE name = 'version'");
    database.seal("settings");
    transaction.commit();
  }

  std::string message(Access access) {
    try {
      open(access);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  void rewrite(const std::function<void(Configuration&)>& change) {
    Database database = open_database(Paths{path_, path_}, OpenMode::read_write);
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    Configuration configuration = load_configuration(database, Access::read);
    ++configuration.version;
    change(configuration);
    store_settings(database, configuration);
    for (const ShardRow& row : configuration.shards) store_shard(database, row);
    transaction.commit();
  }

  /// Closes it and opens a child that owns its range.
  void replace_the_last() {
    rewrite([this](Configuration& configuration) {
      Shard& parent = configuration.shards[2].shard;
      parent.closed_at = clock_.now();
      const HashRange range = parent.range;
      configuration.shards.push_back({{ShardId(3), range, clock_.now(), {}, ShardId(2)}, 100});
    });
  }

  std::optional<ErrorCode> refused(Access access) {
    return refusal([&] { open(access)->describe(); });
  }

  void expect_corrupt(const std::string& after) {
    EXPECT_EQ(refused(Access::read), ErrorCode::corrupt) << after;
    EXPECT_EQ(refused(Access::write), ErrorCode::corrupt) << after;
  }

  /// Changes what `sql` changes, and changes it back.
  void expect_corrupt_after(test::RawDatabase& database, const std::string& sql) {
    database.exec("CREATE TEMP TABLE IF NOT EXISTS kept_settings AS SELECT * FROM settings");
    database.exec("CREATE TEMP TABLE IF NOT EXISTS kept_shards AS SELECT * FROM shards");
    ASSERT_GT(database.exec(sql), 0) << sql;
    expect_corrupt(sql);
    database.exec("DELETE FROM settings; INSERT INTO settings SELECT * FROM kept_settings");
    database.exec("DELETE FROM shards; INSERT INTO shards SELECT * FROM kept_shards");
  }
};

TEST_F(StoredSettings, WithAnUnknownCompatibleFeatureAreFine) {
  set("feature:metrics", "compatible");
  EXPECT_EQ(refused(Access::read), std::nullopt);
  EXPECT_EQ(refused(Access::write), std::nullopt);
}

TEST_F(StoredSettings, WithAFeatureThatIsCompatibleToReadCanBeReadOnly) {
  set("feature:replicas", "read");
  EXPECT_EQ(refused(Access::read), std::nullopt);
  EXPECT_EQ(refused(Access::write), ErrorCode::unsupported);
  EXPECT_NE(message(Access::write)
                .find("the feature 'replicas', which this program does not know, so it can only "
                      "be read: use a newer shardlog"),
            std::string::npos)
      << message(Access::write);
}

TEST_F(StoredSettings, WithAnIncompatibleFeatureAreRefusedByItsName) {
  set("feature:replicas", "incompatible");
  EXPECT_EQ(refused(Access::read), ErrorCode::unsupported);
  EXPECT_EQ(refused(Access::write), ErrorCode::unsupported);
  EXPECT_NE(
      message(Access::read).find("the feature 'replicas', which this program does not know: use a newer shardlog"),
      std::string::npos)
      << message(Access::read);
}

TEST_F(StoredSettings, WithAFeatureOfAnUnknownKindAreRefusedByItsName) {
  set("feature:replicas", "compatible with great care");
  EXPECT_EQ(refused(Access::read), ErrorCode::unsupported);
  EXPECT_NE(message(Access::read).find("'replicas'"), std::string::npos) << message(Access::read);
}

TEST_F(StoredSettings, WithANewFeatureStopAWriterThatIsUnderWay) {
  const auto writer = open_to_write();
  put(*writer, 0, {"before"});
  set("feature:replicas", "read");
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"after"}); }), ErrorCode::unsupported);
  EXPECT_EQ(lines(), Lines{"before"});
}

TEST_F(StoredSettings, WithANewFeatureStopAReaderThatBegins) {
  const auto stream = open_to_read();
  set("feature:replicas", "incompatible");
  EXPECT_EQ(refusal([&] { stream->read({}); }), ErrorCode::unsupported);
  EXPECT_EQ(refusal([&] { stream->describe(); }), ErrorCode::unsupported);
  EXPECT_EQ(refusal([&] { stream->maintenance().statistics(Detail::all); }), ErrorCode::unsupported);
}

TEST_F(StoredSettings, OfACompatibleFeatureStayThroughEveryChange) {
  set("feature:metrics", "compatible");
  set("metrics", "on");
  set("metrics:interval", "60 s");
  const auto before_update = open_to_write();
  open_to_write()->maintenance().update({.retention = std::chrono::hours(1), .tags = {{"team", std::nullopt}}});
  put(*before_update, 0, {"a"});
  test::split(*before_update, 0);
  test::RawDatabase database(path_);
  EXPECT_EQ(database.text("SELECT group_concat(name || '=' || value) FROM settings WHERE name LIKE '%metrics%'"),
            "feature:metrics=compatible,metrics=on,metrics:interval=60 s");
  EXPECT_EQ(open_to_read()->describe().map.shards().size(), 5U);
  EXPECT_FALSE(open_to_read()->describe().settings.tags.contains("team"));
}

TEST_F(StoredSettings, OfNoFeatureAreRefusedByTheirName) {
  set("feature:metrics", "compatible");
  for (const std::string name : {"metric", "metricsinterval", "interval:metrics", "loss", "features_compatible"}) {
    set(name, "1");
    EXPECT_EQ(refused(Access::read), ErrorCode::corrupt) << name;
    EXPECT_NE(message(Access::read).find("settings: '" + name + "' is unknown"), std::string::npos)
        << message(Access::read);
    set(name, std::nullopt);
  }
  EXPECT_EQ(refused(Access::write), std::nullopt);
}

TEST_F(StoredSettings, WithAnUnknownCompressionAskForANewerProgram) {
  set("compression", "brotli");
  EXPECT_EQ(refused(Access::read), ErrorCode::unsupported);
  EXPECT_NE(message(Access::read).find("the compression 'brotli' is not known: use a newer shardlog"),
            std::string::npos)
      << message(Access::read);
}

TEST_F(StoredSettings, WithAnUnknownModeAskForANewerProgram) {
  set("mode", "serverless");
  EXPECT_EQ(refused(Access::read), ErrorCode::unsupported);
  EXPECT_NE(message(Access::read).find("the mode 'serverless' is not known: use a newer shardlog"), std::string::npos)
      << message(Access::read);
}

TEST_F(StoredSettings, WithANewShardTakeItsRecords) {
  const auto writer = open_to_write();
  put(*writer, 0, {"before"});
  replace_the_last();
  EXPECT_EQ(put(*writer, 3, {"after"}), "100");
  EXPECT_EQ(put(*writer, 3, {"later"}), "101");
}

TEST_F(StoredSettings, WithAnyByteOfAnyValueFlippedAreCorrupt) {
  test::RawDatabase database(path_);
  std::vector<std::pair<std::string, std::string>> rows;
  SQLite::Statement all(database, "SELECT name, value FROM settings");
  while (all.executeStep()) rows.emplace_back(all.getColumn(0).getString(), all.getColumn(1).getString());
  all.reset();
  ASSERT_EQ(rows.size(), 13U + 1U + 2U + 1U);  // with a feature, two tags and the checksum
  for (const auto& [name, value] : rows) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string flipped = value;
      flipped[i] = static_cast<char>(flipped[i] ^ 1);
      expect_corrupt_after(database, "UPDATE settings SET value = '" + flipped + "' WHERE name = '" + name + "'");
    }
  }
}

TEST_F(StoredSettings, WithAnyNameFlippedAreCorrupt) {
  test::RawDatabase database(path_);
  for (const std::string name : {"uuid", "created_at", "version", "max_record_size", "unsafe_file_system", "tag:team",
                                 "tag:empty", "checksum"}) {
    std::string flipped = name;
    flipped.back() = static_cast<char>(flipped.back() ^ 1);
    expect_corrupt_after(database, "UPDATE settings SET name = '" + flipped + "' WHERE name = '" + name + "'");
    expect_corrupt_after(database, "DELETE FROM settings WHERE name = '" + name + "'");
  }
}

TEST_F(StoredSettings, WithAnExtraRowAreCorrupt) {
  test::RawDatabase database(path_);
  expect_corrupt_after(database, "INSERT INTO settings VALUES ('tag:more', 'x')");
}

TEST_F(StoredSettings, WithALineMovedFromOneValueToTheNextAreCorrupt) {
  test::RawDatabase database(path_);
  expect_corrupt_after(database, "UPDATE settings SET value = 'blue' || char(10) WHERE name = 'tag:team'");
}

TEST_F(StoredSettings, WithAnyByteOfAHashKeyFlippedAreCorrupt) {
  test::RawDatabase database(path_);
  for (const std::string shard : {"0", "1", "2"}) {
    for (const std::string column : {"first_hash_key", "last_hash_key"}) {
      for (int at = 0; at < 16; ++at) {
        const std::string hex = database.text("SELECT hex(" + column + ") FROM shards WHERE id = " + shard);
        std::string flipped = hex;
        char& digit = flipped[2 * static_cast<std::size_t>(at) + 1];
        digit = digit == '0' ? '1' : '0';
        expect_corrupt_after(database, "UPDATE shards SET " + column + " = x'" + flipped + "' WHERE id = " + shard);
      }
    }
  }
}

TEST_F(StoredSettings, WithAnyColumnOfAShardChangedAreCorrupt) {
  test::RawDatabase database(path_);
  for (const std::string change :
       {"id = 7", "id = -1", "id = 4294967296", "first_hash_key = x''", "last_hash_key = zeroblob(17)", "parent = 0",
        "parent = -1", "adjacent_parent = 1", "opened_at = opened_at + 1", "closed_at = 1", "closed_at = 0",
        "first_sequence = 2", "first_sequence = 0", "checksum = checksum + 1"}) {
    expect_corrupt_after(database, "UPDATE shards SET " + change + " WHERE id = 2");
  }
}

TEST_F(StoredSettings, WithoutAShardAreCorrupt) {
  test::RawDatabase database(path_);
  expect_corrupt_after(database, "DELETE FROM shards WHERE id = 1");
  expect_corrupt_after(database, "DELETE FROM shards");
}

TEST_F(StoredSettings, WithoutAClosedShardAreCorrupt) {
  replace_the_last();
  test::RawDatabase database(path_);
  expect_corrupt_after(database, "DELETE FROM shards WHERE id = 2");
}

TEST_F(StoredSettings, WithTheRowsOfTwoShardsSwappedAreCorrupt) {
  test::RawDatabase database(path_);
  expect_corrupt_after(database,
                       "UPDATE shards SET id = 10 + 1 - id WHERE id < 2; UPDATE shards SET id = id - 10 WHERE id > 9");
}

TEST_F(StoredSettings, DamagedUnderAWriterStopIt) {
  const auto writer = open_to_write();
  put(*writer, 0, {"before"});
  test::RawDatabase(path_).exec("UPDATE settings SET value = '2' WHERE name = 'version'");
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"after"}); }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog::sqlite

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "engine/raw_database.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/schema.h"
#include "support/stream_test.h"

namespace shardlog::sqlite {
namespace {

/// The settings of each new connection before the engine makes its own: all that it does not set is wrong.
int spoil(sqlite3* connection, char** /*message*/, const sqlite3_api_routines* /*functions*/) {
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return sqlite3_exec(connection,
                      "PRAGMA mmap_size=1048576; PRAGMA cell_size_check=OFF; PRAGMA synchronous=OFF;"
                      "PRAGMA wal_autocheckpoint=7; PRAGMA journal_size_limit=-1; PRAGMA secure_delete=ON;"
                      "PRAGMA temp_store=FILE",
                      nullptr, nullptr, nullptr);
}

class OpenDatabase : public test::StreamTest, public testing::WithParamInterface<OpenMode> {
 protected:
  OpenDatabase() {
    if (GetParam() == OpenMode::create) {
      std::filesystem::create_directory(path_);
    } else {
      create();
    }
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&spoil));
  }
  ~OpenDatabase() override { sqlite3_reset_auto_extension(); }

  SQLite::Database open_it() {
    // A file of no bytes is there before SQLite opens it.
    if (GetParam() == OpenMode::create) SQLite::Database(file("stream.db"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    return open_database(Paths{path_, path_}, GetParam());
  }

  int flag(int option) {
    SQLite::Database database = open_it();
    int value = -1;
    EXPECT_EQ(sqlite3_db_config(database.getHandle(), option, -1, &value), SQLITE_OK);
    return value;
  }

  int limit(int kind) { return sqlite3_limit(open_it().getHandle(), kind, -1); }

  std::string pragma(const std::string& name) {
    SQLite::Database database = open_it();
    return database.execAndGet("PRAGMA " + name).getString();
  }
};

TEST_P(OpenDatabase, IsDefensive) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_DEFENSIVE), 1);
}

TEST_P(OpenDatabase, DoesNotTrustTheSchema) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_TRUSTED_SCHEMA), 0);
}

TEST_P(OpenDatabase, RunsNoTriggers) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_ENABLE_TRIGGER), 0);
}

TEST_P(OpenDatabase, SeesNoViews) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_ENABLE_VIEW), 0);
}

TEST_P(OpenDatabase, LoadsNoExtensions) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION), 0);
}

TEST_P(OpenDatabase, DoesNotCheckpointWhenItCloses) {
  EXPECT_EQ(flag(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE), 1);
}

TEST_P(OpenDatabase, BoundsTheLengthOfAValue) {
  EXPECT_EQ(limit(SQLITE_LIMIT_LENGTH), 64 * 1024 * 1024);
}

TEST_P(OpenDatabase, AttachesNothing) {
  EXPECT_EQ(limit(SQLITE_LIMIT_ATTACHED), 0);
}

TEST_P(OpenDatabase, MapsNoMemory) {
  EXPECT_EQ(pragma("mmap_size"), "0");
}

TEST_P(OpenDatabase, ChecksTheSizesOfCells) {
  EXPECT_EQ(pragma("cell_size_check"), "1");
}

TEST_P(OpenDatabase, SyncsEveryCommit) {
  EXPECT_EQ(pragma("synchronous"), "2");
}

TEST_P(OpenDatabase, NeverCheckpointsByItself) {
  EXPECT_EQ(pragma("wal_autocheckpoint"), "0");
}

TEST_P(OpenDatabase, BoundsTheLogThatIsLeft) {
  EXPECT_EQ(pragma("journal_size_limit"), "67108864");
}

TEST_P(OpenDatabase, DoesNotOverwriteWhatIsDeleted) {
  EXPECT_EQ(pragma("secure_delete"), "0");
}

TEST_P(OpenDatabase, SortsInMemory) {
  EXPECT_EQ(pragma("temp_store"), "2");
}

TEST_P(OpenDatabase, WaitsForNoLockByItself) {
  EXPECT_EQ(pragma("busy_timeout"), "0");
}

TEST_P(OpenDatabase, HasAWriteAheadLog) {
  EXPECT_EQ(pragma("journal_mode"), "wal");
}

TEST_P(OpenDatabase, TellsErrorsByTheirExtendedCodes) {
  SQLite::Database database = open_it();
  EXPECT_EQ(database.tryExec("BEGIN; CREATE TABLE t(a); INSERT INTO t VALUES (abs(-9223372036854775808))") & 0xff,
            GetParam() == OpenMode::read_only ? SQLITE_READONLY : SQLITE_ERROR);
  EXPECT_EQ(database.tryExec("CREATE TEMP TABLE u(a PRIMARY KEY); INSERT INTO u VALUES (1), (1)"),
            SQLITE_CONSTRAINT_PRIMARYKEY);
}

TEST_P(OpenDatabase, SharesNoCache) {
  sqlite3_enable_shared_cache(1);
  SQLite::Database one = open_it();
  SQLite::Database other = open_it();
  sqlite3_enable_shared_cache(0);
  // With a shared cache the other connection would be refused the schema that is being changed.
  one.tryExec("BEGIN; CREATE TABLE t(a)");
  EXPECT_EQ(other.tryExec("SELECT count(*) FROM sqlite_schema"), SQLITE_OK);
}

TEST_P(OpenDatabase, FollowsNoSymbolicLink) {
  open_it();
  std::filesystem::rename(file("stream.db"), file("elsewhere"));
  std::filesystem::create_symlink("elsewhere", file("stream.db"));
  EXPECT_THROW(open_database(Paths{path_, path_}, GetParam()), SQLite::Exception);
}

std::string name_of(const testing::TestParamInfo<OpenMode>& mode) {
  switch (mode.param) {
    case OpenMode::create:
      return "create";
    case OpenMode::read_write:
      return "read_write";
    case OpenMode::read_only:
      return "read_only";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Modes, OpenDatabase,
                         testing::Values(OpenMode::create, OpenMode::read_write, OpenMode::read_only), name_of);

class CreatedDatabase : public test::StreamTest {
 protected:
  CreatedDatabase() { create(); }
  test::RawDatabase database() { return test::RawDatabase(path_); }
};

TEST_F(CreatedDatabase, HasPagesOfSixteenKibibytes) {
  EXPECT_EQ(database().number("PRAGMA page_size"), 16'384);
}

TEST_F(CreatedDatabase, CanGiveSpaceBackInSteps) {
  EXPECT_EQ(database().number("PRAGMA auto_vacuum"), 2);
}

TEST_F(CreatedDatabase, SaysWhatItIs) {
  EXPECT_EQ(database().number("PRAGMA application_id"), 0x53484c47);  // "SHLG"
  EXPECT_EQ(database().number("PRAGMA user_version"), 1);
}

TEST_F(CreatedDatabase, KeepsAWriteAheadLog) {
  EXPECT_EQ(database().text("PRAGMA journal_mode"), "wal");
}

TEST_F(CreatedDatabase, HasStrictTablesOnly) {
  const std::string own = "FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'";
  EXPECT_EQ(database().number("SELECT count(*) " + own), 13);
  EXPECT_EQ(database().number("SELECT count(*) " + own + " AND strict"), 13);
}

}  // namespace
}  // namespace shardlog::sqlite

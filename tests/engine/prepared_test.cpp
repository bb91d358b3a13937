#include <gtest/gtest.h>
#include <sqlite3.h>

#include <list>
#include <string>
#include <utility>

#include "shardlog/sqlite/database.h"
#include "support/stream_test.h"

namespace shardlog::sqlite {
namespace {

class PreparedTest : public test::StreamTest {
 protected:
  /// How many statements the connection holds, in use or kept.
  int statements() {
    int count = 0;
    for (sqlite3_stmt* each = nullptr; (each = sqlite3_next_stmt(database_.getHandle(), each)) != nullptr;) ++count;
    return count;
  }

  Database create_and_open() {
    create();
    return open_database(Paths{path_, path_}, OpenMode::read_write);
  }

  const std::string all_settings_ = "SELECT name FROM settings WHERE name >= ?";
  Database database_ = create_and_open();
};

TEST_F(PreparedTest, TheNextUseTakesTheSameStatement) {
  for (int i = 0; i < 3; ++i) {
    const Prepared statement(database_, all_settings_);
    EXPECT_EQ(statements(), 1);
  }
  EXPECT_EQ(statements(), 1);
}

TEST_F(PreparedTest, TwoUsesAtTheSameTimeHaveAStatementEach) {
  Prepared outer(database_, all_settings_);
  Prepared inner(database_, all_settings_);
  outer.bind(1, "");
  inner.bind(1, "~");
  EXPECT_TRUE(outer.executeStep());
  EXPECT_FALSE(inner.executeStep());
}

TEST_F(PreparedTest, AKeptStatementHasNoValuesOfItsLastUse) {
  {
    Prepared statement(database_, all_settings_);
    statement.bind(1, "");
    ASSERT_TRUE(statement.executeStep());
  }
  Prepared again(database_, all_settings_);
  EXPECT_FALSE(again.executeStep()) << "nothing is at least NULL";
}

TEST_F(PreparedTest, AKeptStatementKeepsNoTransactionOpen) {
  {
    Prepared statement(database_, all_settings_);
    statement.bind(1, "");
    ASSERT_TRUE(statement.executeStep());
    EXPECT_EQ(sqlite3_txn_state(database_.getHandle(), nullptr), SQLITE_TXN_READ);
  }
  EXPECT_EQ(sqlite3_txn_state(database_.getHandle(), nullptr), SQLITE_TXN_NONE);
}

TEST_F(PreparedTest, AMovedStatementIsKeptOnce) {
  {
    Prepared statement(database_, all_settings_);
    const Prepared moved = std::move(statement);
  }
  EXPECT_EQ(statements(), 1);
  const Prepared first(database_, all_settings_);
  const Prepared second(database_, all_settings_);
  EXPECT_EQ(statements(), 2);
}

TEST_F(PreparedTest, ManyReadersAtOnceLeaveOnlyAFew) {
  {
    std::list<Prepared> many;
    for (int i = 0; i < 100; ++i) many.emplace_back(database_, all_settings_);
    EXPECT_EQ(statements(), 100);
  }
  EXPECT_EQ(statements(), 4);
}

}  // namespace
}  // namespace shardlog::sqlite

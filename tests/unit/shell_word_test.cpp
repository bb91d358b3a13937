#include "tools/common/escapes.h"

#include <gtest/gtest.h>

namespace shardlog::cli {
namespace {

// bash: printf '%s\n' WORD prints the text
TEST(ShellWord, IsQuotedIfAShellWouldChangeIt) {
  EXPECT_EQ(shell_word("orders"), "orders");
  EXPECT_EQ(shell_word("/srv/streams/orders-2026.b"), "/srv/streams/orders-2026.b");
  EXPECT_EQ(shell_word("é"), "é");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_word("~"), "'~'");
  EXPECT_EQ(shell_word("it's"), R"('it'\''s')");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace shardlog::cli

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "tools/stream-get/command_run.h"

namespace shardlog::cli {
namespace {

std::string last_of(std::initializer_list<std::string_view> pieces) {
  LastLine last;
  for (const std::string_view piece : pieces) last.add(piece);
  return last.get();
}

TEST(LastLine, OfBlankTextIsEmpty) {
  EXPECT_EQ(last_of({}), "");
  EXPECT_EQ(last_of({"\n\n \t\n"}), "");
}

TEST(LastLine, NeedsNoNewlineAtItsEnd) {
  EXPECT_EQ(last_of({"one\ntwo\n"}), "two");
  EXPECT_EQ(last_of({"one\ntwo"}), "two");
  EXPECT_EQ(last_of({"one\ntwo\r\n"}), "two");
}

TEST(LastLine, IgnoresBlankLines) {
  EXPECT_EQ(last_of({"one\n\n  \n"}), "one");
  EXPECT_EQ(last_of({"one\n  "}), "one");
}

TEST(LastLine, MayComeInPieces) {
  EXPECT_EQ(last_of({"on", "e\nt", "wo", "\n"}), "two");
  EXPECT_EQ(last_of({"one", "\n", "", "\n"}), "one");
}

TEST(LastLine, IsCutIfItIsTooLong) {
  const std::string longest(LastLine::longest, 'x');
  EXPECT_EQ(last_of({longest}), longest);
  EXPECT_EQ(last_of({longest, "y"}), longest);
  EXPECT_EQ(last_of({longest + "y\n"}), longest);
  EXPECT_EQ(last_of({longest + "y\n", "z\n"}), "z");
}

}  // namespace
}  // namespace shardlog::cli

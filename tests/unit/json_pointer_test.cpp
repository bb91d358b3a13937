#include "tools/common/json_reader.h"

#include <gtest/gtest.h>

namespace shardlog::cli {
namespace {

TEST(JsonPointer, AnEmptyOneLeadsToTheWhole) {
  EXPECT_EQ(parse_json_pointer(""), JsonPointer{});
}

TEST(JsonPointer, ASlashStandsBeforeEachName) {
  EXPECT_EQ(parse_json_pointer("/"), JsonPointer{""});
  EXPECT_EQ(parse_json_pointer("/foo/0"), (JsonPointer{"foo", "0"}));
  EXPECT_EQ(parse_json_pointer("//a/"), (JsonPointer{"", "a", ""}));
  EXPECT_EQ(parse_json_pointer("/ "), JsonPointer{" "});
}

TEST(JsonPointer, TildeEscapesAreReadOnce) {
  EXPECT_EQ(parse_json_pointer("/a~1b"), JsonPointer{"a/b"});
  EXPECT_EQ(parse_json_pointer("/m~0n"), JsonPointer{"m~n"});
  EXPECT_EQ(parse_json_pointer("/~01"), JsonPointer{"~1"});  // RFC 6901, section 4
  EXPECT_EQ(parse_json_pointer("/~1~0/~0~1"), (JsonPointer{"/~", "~/"}));
}

TEST(JsonPointer, RefusesOtherTexts) {
  for (const char* const text : {"a", "a/b", "~0", " /a", "#/a", "/~", "/a~", "/~2", "/a~/b", "/~a"}) {
    EXPECT_EQ(parse_json_pointer(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace shardlog::cli

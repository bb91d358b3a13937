#include "tools/common/json_key.h"

#include <gtest/gtest.h>

#include <string>

#include "support/refusal.h"

namespace shardlog::cli {
namespace {

using Kind = JsonValue::Kind;

/// What is found: its kind and its text.
std::string found(const std::string& pointer, const std::string& text) {
  const std::string padded = text + std::string(json_padding, '"');
  JsonKey key(*parse_json_pointer(pointer));
  const auto value = key.read(std::string_view(padded).substr(0, text.size()));
  if (!value) return "nothing";
  switch (value->kind) {
    case Kind::string:
      return "string " + std::string(value->text);
    case Kind::unpaired:
      return "unpaired";
    case Kind::number:
      return "number " + std::string(value->text);
    case Kind::boolean:
      return "boolean " + std::string(value->text);
    case Kind::null:
      return "null";
    case Kind::object:
      return "object";
    case Kind::array:
      return "array";
  }
  return "";
}

TEST(JsonKey, FindsValuesOfEveryKind) {
  const std::string text = R"({"s":"x\n","n":1.50,"t":true,"f":false,"z":null,"o":{},"a":[]})";
  EXPECT_EQ(found("/s", text), "string x\n");
  EXPECT_EQ(found("/n", text), "number 1.50") << "as it is written";
  EXPECT_EQ(found("/t", text), "boolean true");
  EXPECT_EQ(found("/f", text), "boolean false");
  EXPECT_EQ(found("/z", text), "null");
  EXPECT_EQ(found("/o", text), "object");
  EXPECT_EQ(found("/a", text), "array");
  EXPECT_EQ(found("", text), "object");
  EXPECT_EQ(found("/x", text), "nothing");
  EXPECT_EQ(found("/s/0", text), "nothing") << "a string has no parts";
}

TEST(JsonKey, GoesThroughObjectsAndArrays) {
  const std::string text = R"({"a":[{"b":"first"},{"b":"second"}],"0":"member"})";
  EXPECT_EQ(found("/a/1/b", text), "string second");
  EXPECT_EQ(found("/a/2/b", text), "nothing");
  EXPECT_EQ(found("/a/01/b", text), "nothing") << "RFC 6901: no leading zeros";
  EXPECT_EQ(found("/a/+1/b", text), "nothing");
  EXPECT_EQ(found("/a//b", text), "nothing");
  EXPECT_EQ(found("/a/99999999999999999999", text), "nothing");
  EXPECT_EQ(found("/0", text), "string member");
}

TEST(JsonKey, TheLastOfSeveralMembersOfOneNameCounts) {
  EXPECT_EQ(found("/a", R"({"a":1,"a":"two"})"), "string two");
  EXPECT_EQ(found("/a/b", R"({"a":{"b":"x"},"a":3})"), "nothing");
}

// What simdjson's types cannot hold, or what it refuses though it is valid.
TEST(JsonKey, TakesWhatAJsonTextMayHold) {
  EXPECT_EQ(found("/k", R"({"n":123456789012345678901234567890,"k":"x"})"), "string x");
  EXPECT_EQ(found("/n", R"({"n":123456789012345678901234567890,"k":"x"})"), "number 123456789012345678901234567890");
  EXPECT_EQ(found("/k", R"({"n":1e999,"k":"x"})"), "string x");
  EXPECT_EQ(found("/k", R"({"n":"\ud800","k":"x"})"), "string x");
  EXPECT_EQ(found("/n", R"({"n":"\ud800","k":"x"})"), "unpaired");
}

TEST(JsonKey, RefusesWhatIsNotOneJsonText) {
  for (const char* const text : {"", " ", "{", R"({"a":1)", R"({"a":1}})", R"({"a":1} 2)", R"({"a":01})",
                                 R"({"a":"\x"})", "{'a':1}", "\xff", "\"\xff\"", "{\"a\":\"\t\"}", "nul", "[1,]"}) {
    EXPECT_EQ(test::refusal([&] { found("/a", text); }), ErrorCode::malformed) << text;
  }
}

}  // namespace
}  // namespace shardlog::cli

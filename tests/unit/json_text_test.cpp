#include "tools/common/json_text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/shard.h"

namespace shardlog::cli {
namespace {

std::string string_of(std::string_view text) {
  std::string result;
  append_json_string(result, text);
  return result;
}

std::string base64(std::string_view bytes) {
  std::string result;
  append_json_base64(result, bytes);
  return result;
}

TEST(JsonString, AnEmptyTextIsTwoQuotes) {
  EXPECT_EQ(string_of(""), R"("")");
}

TEST(JsonString, QuotesPlainText) {
  EXPECT_EQ(string_of("a b/c'd"), R"("a b/c'd")");
}

TEST(JsonString, IsAppended) {
  std::string text = R"({"data":)";
  append_json_string(text, "x");
  EXPECT_EQ(text, R"({"data":"x")");
}

// RFC 8259, section 7
TEST(JsonString, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(string_of("\""), R"("\"")");
  EXPECT_EQ(string_of("\\"), R"("\\")");
  EXPECT_EQ(string_of("\n\r\t"), R"("\n\r\t")");
}

TEST(JsonString, EscapesEveryOtherControlCharacterOfAscii) {
  const std::string digits = "0123456789abcdef";
  for (unsigned byte = 0; byte < 0x20; ++byte) {
    if (byte == '\n' || byte == '\r' || byte == '\t') continue;
    EXPECT_EQ(string_of(std::string(1, static_cast<char>(byte))),
              std::string(R"("\u00)") + digits[byte / 16] + digits[byte % 16] + '"');
  }
  EXPECT_EQ(string_of("\x7f"), R"("\u007f")");
}

// Plain text is passed eight bytes at a time.
TEST(JsonString, WritesAByteAmongOthersAsAlone) {
  for (int byte = 0; byte < 0x80; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    const std::string alone = string_of(one);
    for (std::size_t before = 0; before < 16; ++before) {
      for (std::size_t after = 0; after < 9; ++after) {
        const std::string start(before, 'a');
        const std::string end(after, 'b');
        EXPECT_EQ(string_of(start + one + end), '"' + start + alone.substr(1, alone.size() - 2) + end + '"');
      }
    }
  }
}

TEST(JsonString, LeavesTheFirstAndLastPrintableCharacterOfAscii) {
  EXPECT_EQ(string_of(" ~"), R"(" ~")");
}

// U+0080 to U+009F
TEST(JsonString, EscapesControlCharactersBeyondAscii) {
  EXPECT_EQ(string_of("\xc2\x80"), R"("\u0080")");
  EXPECT_EQ(string_of("\xc2\x9b"), R"("\u009b")");
  EXPECT_EQ(string_of("a\xc2\x9f"
                      "b"),
            R"("a\u009fb")");
}

TEST(JsonString, LeavesTheFirstCharacterAfterTheControlCharacters) {
  EXPECT_EQ(string_of("\xc2\xa0"), "\"\xc2\xa0\"");
}

TEST(JsonString, LeavesCharactersOfTwoToFourBytes) {
  EXPECT_EQ(string_of("ä"), "\"ä\"");
  EXPECT_EQ(string_of("日"), "\"日\"");
  EXPECT_EQ(string_of("😀"), "\"😀\"");
}

TEST(JsonString, ATextThatEndsWithinACharacterStaysInBounds) {
  EXPECT_EQ(string_of("\xc2"), "\"\xc2\"");
}

// RFC 4648, section 10
TEST(JsonBase64, PassesTheTestsOfItsStandard) {
  EXPECT_EQ(base64(""), R"("")");
  EXPECT_EQ(base64("f"), R"("Zg==")");
  EXPECT_EQ(base64("fo"), R"("Zm8=")");
  EXPECT_EQ(base64("foo"), R"("Zm9v")");
  EXPECT_EQ(base64("foob"), R"("Zm9vYg==")");
  EXPECT_EQ(base64("fooba"), R"("Zm9vYmE=")");
  EXPECT_EQ(base64("foobar"), R"("Zm9vYmFy")");
}

// python3: base64.b64encode(bytes([0, 0xff, 0xfe, 0x80])), base64.b64encode(b"\xfb\xff\xbf")
TEST(JsonBase64, TakesAnyBytes) {
  EXPECT_EQ(base64(std::string_view("\0\xff\xfe\x80", 4)), R"("AP/+gA==")");
  EXPECT_EQ(base64("\xfb\xff\xbf"), R"("+/+/")");
}

TEST(JsonBase64, IsAppended) {
  std::string text = R"({"data_base64":)";
  append_json_base64(text, "foo");
  EXPECT_EQ(text, R"({"data_base64":"Zm9v")");
}

TEST(Json, IsNullWithoutAValue) {
  EXPECT_EQ(json(std::optional<std::uint64_t>()), "null");
  EXPECT_EQ(json(std::optional<std::uint64_t>(0)), "0");
}

TEST(Json, WritesTruthNumbersAndTimes) {
  EXPECT_EQ(json(true) + json(false), "truefalse");
  EXPECT_EQ(json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(json(Timestamp(std::chrono::microseconds(1))), R"("1970-01-01T00:00:00.000001Z")");
}

TEST(Json, QuotesTextOfAnyBytesAndWhatHasOne) {
  EXPECT_EQ(json("a\"\xff"), "\"a\\\"\uFFFD\"");
  EXPECT_EQ(json(ShardId(3)), R"("shardId-000000000003")");
  EXPECT_EQ(json(std::optional(ShardId(3))), R"("shardId-000000000003")");
}

TEST(Json, PutsCommasBetweenElementsAndMembers) {
  EXPECT_EQ(json_array(std::vector<ShardId>()), "[]");
  EXPECT_EQ(json_array(std::vector{true, false, true}, [](bool each) { return json(!each); }), "[false,true,false]");
  EXPECT_EQ(json_array(std::vector<std::uint64_t>{1, 2}), "[1,2]");
  EXPECT_EQ(json_object({}), "{}");
  EXPECT_EQ(json_object({{"a", json(std::uint64_t{1})}, {"b\"", json_array(std::vector<bool>{})}}),
            R"({"a":1,"b\"":[]})");
}

}  // namespace
}  // namespace shardlog::cli

#include "tools/common/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shardlog::cli {
namespace {

std::string json(std::string_view text) {
  std::string result;
  append_json_string(result, text);
  return result;
}

std::string base64(std::string_view bytes) {
  std::string result;
  append_json_base64(result, bytes);
  return result;
}

TEST(JsonString, NoText) {
  EXPECT_EQ(json(""), R"("")");
}

TEST(JsonString, PlainText) {
  EXPECT_EQ(json("a b/c'd"), R"("a b/c'd")");
}

TEST(JsonString, GoesBehindWhatIsThere) {
  std::string text = R"({"data":)";
  append_json_string(text, "x");
  EXPECT_EQ(text, R"({"data":"x")");
}

// RFC 8259, section 7
TEST(JsonString, WhatHasToBeEscaped) {
  EXPECT_EQ(json("\""), R"("\"")");
  EXPECT_EQ(json("\\"), R"("\\")");
  EXPECT_EQ(json("\n\r\t"), R"("\n\r\t")");
}

TEST(JsonString, EveryOtherControlCharacterOfAscii) {
  const std::string digits = "0123456789abcdef";
  for (unsigned byte = 0; byte < 0x20; ++byte) {
    if (byte == '\n' || byte == '\r' || byte == '\t') continue;
    EXPECT_EQ(json(std::string(1, static_cast<char>(byte))),
              std::string(R"("\u00)") + digits[byte / 16] + digits[byte % 16] + '"');
  }
  EXPECT_EQ(json("\x7f"), R"("\u007f")");
}

TEST(JsonString, FirstAndLastPrintableCharacterOfAscii) {
  EXPECT_EQ(json(" ~"), R"(" ~")");
}

// U+0080 to U+009F
TEST(JsonString, ControlCharactersOverAscii) {
  EXPECT_EQ(json("\xc2\x80"), R"("\u0080")");
  EXPECT_EQ(json("\xc2\x9b"), R"("\u009b")");
  EXPECT_EQ(json("a\xc2\x9f"
                 "b"),
            R"("a\u009fb")");
}

TEST(JsonString, FirstCharacterAfterTheControlCharacters) {
  EXPECT_EQ(json("\xc2\xa0"), "\"\xc2\xa0\"");
}

TEST(JsonString, CharactersOfTwoToFourBytes) {
  EXPECT_EQ(json("ä"), "\"ä\"");
  EXPECT_EQ(json("日"), "\"日\"");
  EXPECT_EQ(json("😀"), "\"😀\"");
}

TEST(JsonString, ATextThatEndsWithinACharacterStaysInBounds) {
  EXPECT_EQ(json("\xc2"), "\"\xc2\"");
}

// RFC 4648, section 10
TEST(JsonBase64, TheVectorsOfItsStandard) {
  EXPECT_EQ(base64(""), R"("")");
  EXPECT_EQ(base64("f"), R"("Zg==")");
  EXPECT_EQ(base64("fo"), R"("Zm8=")");
  EXPECT_EQ(base64("foo"), R"("Zm9v")");
  EXPECT_EQ(base64("foob"), R"("Zm9vYg==")");
  EXPECT_EQ(base64("fooba"), R"("Zm9vYmE=")");
  EXPECT_EQ(base64("foobar"), R"("Zm9vYmFy")");
}

// python3: base64.b64encode(bytes([0, 0xff, 0xfe, 0x80])), base64.b64encode(b"\xfb\xff\xbf")
TEST(JsonBase64, AnyBytes) {
  EXPECT_EQ(base64(std::string_view("\0\xff\xfe\x80", 4)), R"("AP/+gA==")");
  EXPECT_EQ(base64("\xfb\xff\xbf"), R"("+/+/")");
}

TEST(JsonBase64, GoesBehindWhatIsThere) {
  std::string text = R"({"data_base64":)";
  append_json_base64(text, "foo");
  EXPECT_EQ(text, R"({"data_base64":"Zm9v")");
}

}  // namespace
}  // namespace shardlog::cli

#include "tools/common/escapes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shardlog::cli {
namespace {

TEST(Escapes, AnEmptyTextStaysEmpty) {
  EXPECT_EQ(unescape(""), "");
}

TEST(Escapes, ATextWithoutThemStaysAsItIs) {
  EXPECT_EQ(unescape("a, b"), "a, b");
  EXPECT_EQ(unescape("Gänse\n"), "Gänse\n");
  EXPECT_EQ(unescape(std::string_view("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Escapes, OfOneLetterAreRead) {
  EXPECT_EQ(unescape(R"(\n)"), "\n");
  EXPECT_EQ(unescape(R"(\t)"), "\t");
  EXPECT_EQ(unescape(R"(\r)"), "\r");
  EXPECT_EQ(unescape(R"(\\)"), "\\");
  EXPECT_EQ(unescape(R"(\0)"), std::string(1, '\0'));
}

TEST(Escapes, EveryByteHasAHexadecimalOne) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::string_view digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
      const std::string text = std::string("\\x") + digits[byte / 16] + digits[byte % 16];
      EXPECT_EQ(unescape(text), std::string(1, static_cast<char>(byte))) << text;
    }
  }
}

TEST(Escapes, EndAfterTheirLastLetter) {
  EXPECT_EQ(unescape(R"(\012)"), std::string("\0"
                                             "12",
                                             3));  // not octal
  EXPECT_EQ(unescape(R"(\x411)"), "A1");
  EXPECT_EQ(unescape(R"(\\n)"), "\\n");
  EXPECT_EQ(unescape(R"(\\\n)"), "\\\n");
  EXPECT_EQ(unescape(R"(a\tb\tc)"), "a\tb\tc");
  EXPECT_EQ(unescape(R"(\r\n)"), "\r\n");
}

TEST(Escapes, EveryOtherLetterIsRefused) {
  const std::string known = "ntr0\\x";
  for (int byte = 0; byte < 256; ++byte) {
    const auto letter = static_cast<char>(byte);
    if (known.find(letter) != std::string::npos) continue;
    EXPECT_EQ(unescape(std::string("\\") + letter), std::nullopt) << byte;
    EXPECT_EQ(unescape(std::string("\\") + letter + "41"), std::nullopt) << byte;
  }
}

TEST(Escapes, RefusesABackslashAtTheEnd) {
  EXPECT_EQ(unescape("\\"), std::nullopt);
  EXPECT_EQ(unescape("a\\"), std::nullopt);
  EXPECT_EQ(unescape(R"(\\\)"), std::nullopt);
}

TEST(Escapes, RefusesOtherHexadecimalNumbers) {
  for (const char* text : {R"(\x)", R"(\x4)", R"(\x4g)", R"(\xg4)", R"(\x 4)", R"(\x4 )", R"(\x+4)", R"(\x-4)",
                           R"(\x0x41)", R"(\X41)", R"(\x4\n)", R"(\u0041)"}) {
    EXPECT_EQ(unescape(text), std::nullopt) << text;
  }
  EXPECT_EQ(unescape(std::string_view("\\x4\0", 4)), std::nullopt);
}

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

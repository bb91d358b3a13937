#include "shardlog/core/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace shardlog {
namespace {

TEST(Quote, EmptyText) {
  EXPECT_EQ(quote(""), "''");
}

TEST(Quote, PlainText) {
  EXPECT_EQ(quote("my orders"), "'my orders'");
}

TEST(Quote, EveryControlCharacterOfAscii) {
  const std::string hex = "0123456789abcdef";
  for (std::size_t byte = 0; byte < 0x20; ++byte) {
    EXPECT_EQ(quote(std::string(1, static_cast<char>(byte))),
              std::string("'\\x") + hex[byte / 16] + hex[byte % 16] + "'");
  }
  EXPECT_EQ(quote("\x7f"), "'\\x7f'");
}

TEST(Quote, FirstAndLastPrintableCharacter) {
  EXPECT_EQ(quote(" ~"), "' ~'");
}

TEST(Quote, TextAroundAControlCharacter) {
  EXPECT_EQ(quote("a\nb\x1b[31m"), "'a\\x0ab\\x1b[31m'");
}

TEST(Quote, OtherAlphabets) {
  EXPECT_EQ(quote("Gänse, 日本語, 😀"), "'Gänse, 日本語, 😀'");
}

// U+0080 to U+009F are control characters too: a terminal takes U+009B for the start of an escape sequence.
TEST(Quote, ControlCharactersOverAscii) {
  EXPECT_EQ(quote("\xc2\x80"), "'\\xc2\\x80'");
  EXPECT_EQ(quote("\xc2\x85"), "'\\xc2\\x85'");
  EXPECT_EQ(quote("\xc2\x9b"), "'\\xc2\\x9b'");
  EXPECT_EQ(quote("\xc2\x9f"), "'\\xc2\\x9f'");
}

TEST(Quote, FirstCharacterAfterTheControlCharacters) {
  EXPECT_EQ(quote("\xc2\xa0"), "'\xc2\xa0'");
}

TEST(SystemError, SaysWhatFailedAndWhy) {
  EXPECT_STREQ(system_error("open 'orders'", ENOENT).what(), "open 'orders': No such file or directory");
}

TEST(SystemError, CodeSaysWhatTheCallerMayDo) {
  const auto code = [](int error_number) { return system_error("write", error_number).code(); };
  EXPECT_EQ(code(ENOENT), ErrorCode::not_found);
  EXPECT_EQ(code(EACCES), ErrorCode::permission);
  EXPECT_EQ(code(EPERM), ErrorCode::permission);
  EXPECT_EQ(code(ENOSPC), ErrorCode::full);
  EXPECT_EQ(code(EDQUOT), ErrorCode::full);
  EXPECT_EQ(code(EFBIG), ErrorCode::full);
  for (const int lacking : {EAGAIN, EMFILE, ENFILE, ENOLCK, ENOMEM}) EXPECT_EQ(code(lacking), ErrorCode::busy);
  EXPECT_EQ(code(EIO), ErrorCode::io);
  EXPECT_EQ(code(EINVAL), ErrorCode::io);
}

}  // namespace
}  // namespace shardlog

#include "shardlog/core/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shardlog {
namespace {

TEST(Utf8, EmptyText) {
  EXPECT_EQ(utf8_length(""), 0U);
}

TEST(Utf8, CountsCharactersNotBytes) {
  // The examples of RFC 3629, section 7.
  EXPECT_EQ(utf8_length("\x41\xe2\x89\xa2\xce\x91\x2e"), 4U);
  EXPECT_EQ(utf8_length("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"), 3U);
  EXPECT_EQ(utf8_length("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), 3U);
  EXPECT_EQ(utf8_length("\xef\xbb\xbf\xf0\xa3\x8e\xb4"), 2U);
}

TEST(Utf8, OneCharacterAnywhereAmongAscii) {
  for (std::size_t size = 0; size < 20; ++size) {
    for (std::size_t place = 0; place <= size; ++place) {
      std::string text(size, 'a');
      EXPECT_EQ(utf8_length(text), size);
      EXPECT_EQ(utf8_length(text.insert(place, "\xce\x91")), size + 1);
      EXPECT_EQ(utf8_length(text.erase(place, 1)), std::nullopt);
    }
  }
}

TEST(Utf8, FirstAndLastCharacterOfEachLength) {
  EXPECT_EQ(utf8_length(std::string_view("\0", 1)), 1U);
  EXPECT_EQ(utf8_length("\x7f"), 1U);
  EXPECT_EQ(utf8_length("\xc2\x80"), 1U);
  EXPECT_EQ(utf8_length("\xdf\xbf"), 1U);
  EXPECT_EQ(utf8_length("\xe0\xa0\x80"), 1U);
  EXPECT_EQ(utf8_length("\xef\xbf\xbf"), 1U);
  EXPECT_EQ(utf8_length("\xf0\x90\x80\x80"), 1U);
  EXPECT_EQ(utf8_length("\xf4\x8f\xbf\xbf"), 1U);
}

TEST(Utf8, RefusesOneOverTheLastCharacter) {
  EXPECT_EQ(utf8_length("\xf4\x90\x80\x80"), std::nullopt);
  EXPECT_EQ(utf8_length("\xf5\x80\x80\x80"), std::nullopt);
  EXPECT_EQ(utf8_length("\xf7\xbf\xbf\xbf"), std::nullopt);
}

TEST(Utf8, RefusesOverlongForms) {
  for (const char* text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf"}) {
    EXPECT_EQ(utf8_length(text), std::nullopt);
  }
}

TEST(Utf8, RefusesSurrogatesAndNotTheirNeighbours) {
  EXPECT_EQ(utf8_length("\xed\x9f\xbf"), 1U);
  EXPECT_EQ(utf8_length("\xed\xa0\x80"), std::nullopt);
  EXPECT_EQ(utf8_length("\xed\xbf\xbf"), std::nullopt);
  EXPECT_EQ(utf8_length("\xee\x80\x80"), 1U);
}

TEST(Utf8, RefusesWhatNeverLeads) {
  for (int byte = 0x80; byte < 0xc0; ++byte)
    EXPECT_EQ(utf8_length(std::string(1, static_cast<char>(byte))), std::nullopt);
  for (int byte = 0xf8; byte <= 0xff; ++byte) {
    EXPECT_EQ(utf8_length(static_cast<char>(byte) + std::string("\x80\x80\x80\x80\x80")), std::nullopt);
  }
}

TEST(Utf8, RefusesACharacterCutOff) {
  for (const std::string whole : {"\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_EQ(utf8_length("a" + whole.substr(0, size)), std::nullopt);
      EXPECT_EQ(utf8_length(whole.substr(0, size) + "a"), std::nullopt);
    }
  }
}

TEST(Utf8, RefusesAByteTooMany) {
  EXPECT_EQ(utf8_length("\xc2\x80\x80"), std::nullopt);
}

}  // namespace
}  // namespace shardlog

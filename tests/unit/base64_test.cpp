#include "tools/common/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace shardlog::cli {
namespace {

std::optional<std::string> decoded(const std::string& text) {
  std::string bytes(text.size() / 4 * 3, 'x');
  const auto size = decode_base64(text, bytes.data());
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

std::string encoded(const std::string& bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

// RFC 4648, section 10.
TEST(Base64, IsThatOfTheStandard) {
  const std::pair<std::string, std::string> table[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : table) {
    EXPECT_EQ(encoded(bytes), text);
    EXPECT_EQ(decoded(text), bytes);
  }
  EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, EveryByteComesBackAtEachPlace) {
  for (std::size_t before = 0; before < 3; ++before) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string bytes = std::string(before, 'a') + static_cast<char>(byte);
      EXPECT_EQ(decoded(encoded(bytes)), bytes);
    }
  }
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* const text :
       {"Z",    "Zg",       "Zg=",      "Zg===",      "Zm9vZ",  "====",     "Z===",     "=AAA",         "A=AA",
        "AA=A", "Zg==Zg==", "Zm9v====", " Zm9",       "Zm9\n",  "    Zm9v", "Zm9v    ", "Zm9v\n\n\n\n", "Zm\n9v===",
        "Zm 9", "Zm-_",     "Zm9.",     "\xc3\xa4zz", "Zm9\x80"}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
  EXPECT_EQ(decoded(std::string("Zm9\0", 4)), std::nullopt);
}

TEST(Base64, RefusesBitsThatAreLeftOver) {
  EXPECT_EQ(decoded("Zh=="), std::nullopt);
  EXPECT_EQ(decoded("Zo=="), std::nullopt);
  EXPECT_EQ(decoded("Zm9="), std::nullopt);
  EXPECT_EQ(decoded("Zm8="), "fo");
}

}  // namespace
}  // namespace shardlog::cli

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "shardlog/core/utf8.h"

namespace shardlog {
namespace {

/// How many bytes of `text` its first character takes by the grammar of RFC 3629, section 4; 0 where there is none.
std::size_t first_character(std::string_view text) {
  const auto in = [&](std::size_t at, int low, int high) {
    return at < text.size() && static_cast<unsigned char>(text[at]) >= low &&
           static_cast<unsigned char>(text[at]) <= high;
  };
  const auto tail = [&](std::size_t at) { return in(at, 0x80, 0xbf); };
  if (in(0, 0x00, 0x7f)) return 1;
  if (in(0, 0xc2, 0xdf) && tail(1)) return 2;
  if (in(0, 0xe0, 0xe0) && in(1, 0xa0, 0xbf) && tail(2)) return 3;
  if (in(0, 0xe1, 0xec) && tail(1) && tail(2)) return 3;
  if (in(0, 0xed, 0xed) && in(1, 0x80, 0x9f) && tail(2)) return 3;
  if (in(0, 0xee, 0xef) && tail(1) && tail(2)) return 3;
  if (in(0, 0xf0, 0xf0) && in(1, 0x90, 0xbf) && tail(2) && tail(3)) return 4;
  if (in(0, 0xf1, 0xf3) && tail(1) && tail(2) && tail(3)) return 4;
  if (in(0, 0xf4, 0xf4) && in(1, 0x80, 0x8f) && tail(2) && tail(3)) return 4;
  return 0;
}

std::optional<std::size_t> by_grammar(std::string_view text) {
  std::size_t characters = 0;
  for (; !text.empty(); ++characters) {
    const std::size_t size = first_character(text);
    if (size == 0) return std::nullopt;
    text.remove_prefix(size);
  }
  return characters;
}

void compare_all(std::string& text, std::size_t at, std::string_view alphabet) {
  if (at == text.size()) {
    ASSERT_EQ(utf8_length(text), by_grammar(text)) << testing::PrintToString(text);
    return;
  }
  for (const char byte : alphabet) {
    text[at] = byte;
    compare_all(text, at + 1, alphabet);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Utf8Property, EveryTextOfUpToTwoBytes) {
  std::string alphabet;
  for (int byte = 0; byte < 256; ++byte) alphabet += static_cast<char>(byte);
  for (const std::size_t size : {1U, 2U}) {
    std::string text(size, '\0');
    compare_all(text, 0, alphabet);
  }
}

// The bytes on both sides of every border in the grammar.
TEST(Utf8Property, EveryTextOfUpToFourBytesAtTheBorders) {
  const std::string alphabet(
      "\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff", 25);
  for (const std::size_t size : {3U, 4U}) {
    std::string text(size, '\0');
    compare_all(text, 0, alphabet);
  }
}

}  // namespace
}  // namespace shardlog

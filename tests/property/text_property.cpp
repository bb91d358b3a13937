#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

#include "support/json_reader.h"
#include "tools/common/escapes.h"
#include "tools/common/json_text.h"

namespace shardlog::cli {
namespace {

std::string utf8(char32_t code) {
  const auto byte = [](char32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), tail(6), tail(0)};
  return {byte(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

/// Any characters, and often those that are escaped.
std::string any_text() {
  const auto character = rc::gen::oneOf(rc::gen::inRange<unsigned>(0, 0x100), rc::gen::inRange<unsigned>(0, 0xd800),
                                        rc::gen::inRange<unsigned>(0xe000, 0x110000));
  std::string text;
  for (const unsigned code : *rc::gen::container<std::vector<unsigned>>(character)) text += utf8(code);
  return text;
}

RC_GTEST_PROP(JsonTextProperty, AReaderGetsTheText, ()) {
  const std::string text = any_text();
  std::string json;
  append_json_string(json, text);
  RC_ASSERT((test::read_json_string(json) == text));
}

RC_GTEST_PROP(JsonTextProperty, NoControlCharacterIsLeft, ()) {
  std::string json;
  append_json_string(json, any_text());
  RC_ASSERT(std::none_of(json.begin(), json.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
  for (std::size_t at = json.find('\xc2'); at != std::string::npos; at = json.find('\xc2', at + 1)) {
    RC_ASSERT(static_cast<unsigned char>(json.at(at + 1)) >= 0xa0);
  }
}

RC_GTEST_PROP(JsonTextProperty, AReaderGetsTheBytes, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  std::string json;
  append_json_base64(json, bytes);
  RC_ASSERT((test::read_json_base64(json) == bytes));
}

RC_GTEST_PROP(EscapesProperty, EveryWayToWriteAByteIsRead, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element('\n', '\t', '\r', '\0', '\\')));
  const std::string digits = "0123456789abcdef";
  const std::string meanings("\n\t\r\0\\", 5);
  const std::string letters = "ntr0\\";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t letter = meanings.find(c);
    if (letter != std::string::npos && *rc::gen::arbitrary<bool>()) {
      text += std::string("\\") + letters[letter];
    } else if (c == '\\' || *rc::gen::arbitrary<bool>()) {
      text += std::string("\\x") + digits[byte / 16] + digits[byte % 16];
    } else {
      text += c;
    }
  }
  RC_ASSERT((unescape(text) == bytes));
}

}  // namespace
}  // namespace shardlog::cli

#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "shardlog/core/printable.h"
#include "shardlog/core/utf8.h"
#include "support/json_reader.h"
#include "tools/common/escapes.h"
#include "tools/common/json_text.h"

// Escapes that are read and escapes that are written.
namespace shardlog::fuzz {
namespace {

void check_unescape(std::string_view text) {
  if (const auto bytes = cli::unescape(text)) {
    require(bytes->size() <= text.size(), "escapes are longer than what they stand for");
    require(*bytes == text || text.find('\\') != std::string_view::npos, "without a backslash a text is itself");
  }
  std::string escaped;
  const std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    escaped += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
  }
  require(cli::unescape(escaped) == text, "any bytes can be written in hexadecimal");
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

void check_json(std::string_view text) {
  std::string json;
  cli::append_json_base64(json, text);
  require(test::read_json_base64(json) == text, "a reader of base64 gets the bytes");

  json.clear();
  cli::append_json_string(json, text);
  require(!has_control_character(json), "no control character is left in JSON");
  if (utf8_length(text)) require(test::read_json_string(json) == text, "a reader of JSON gets the text");
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = shardlog::fuzz::text_of(data, size);
  shardlog::fuzz::check_unescape(text);
  shardlog::fuzz::check_json(text);
  shardlog::fuzz::require(!shardlog::fuzz::has_control_character(shardlog::quote(text)),
                          "no control character is left in quotes");
  return 0;
}

#pragma once

#include <string>
#include <string_view>

namespace shardlog::cli {

/// Appends `text` as a JSON string (RFC 8259). REQUIRES: valid UTF-8
void append_json_string(std::string& to, std::string_view text);

/// The same of any bytes, with U+FFFD for each that is no part of a character.
void append_json_text(std::string& to, std::string_view text);

/// Appends `bytes` as a JSON string in base64 (RFC 4648, section 4).
void append_json_base64(std::string& to, std::string_view bytes);

/// The same without quotes.
void append_base64(std::string& to, std::string_view bytes);

}  // namespace shardlog::cli

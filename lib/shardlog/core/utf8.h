#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace shardlog {

/// The bytes of the character at the start of `text`; 0 where no valid one starts there (RFC 3629: no overlong forms,
/// no surrogates, nothing over U+10FFFF).
std::size_t utf8_character(std::string_view text);

/// The number of Unicode characters in `text`, or nothing where it is not valid UTF-8.
std::optional<std::size_t> utf8_length(std::string_view text);

}  // namespace shardlog

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace shardlog {

/// The number of Unicode characters in `text`, or nothing where it is not valid UTF-8 (RFC 3629: no overlong forms, no
/// surrogates, nothing over U+10FFFF).
std::optional<std::size_t> utf8_length(std::string_view text);

}  // namespace shardlog

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// A JSON pointer (RFC 6901): the names and places on the way from a whole JSON text to a part of it. An empty one is
/// the whole.
using JsonPointer = std::vector<std::string>;

/// Nothing where `text` is neither empty nor begins with a slash, or has a ~ that is not part of ~0 or ~1.
std::optional<JsonPointer> parse_json_pointer(std::string_view text);

}  // namespace shardlog::cli

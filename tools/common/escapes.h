#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shardlog::cli {

/// What a string on the command line stands for: \n \t \r \0 \\ and \xHH are read. Nothing where another follows a
/// backslash.
std::optional<std::string> unescape(std::string_view text);

}  // namespace shardlog::cli

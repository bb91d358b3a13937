#pragma once

#include <optional>
#include <string>
#include <string_view>

/// How texts are written on a command line.
namespace shardlog::cli {

/// What the value of an option stands for: \n, \t, \r, \0, \\ and \xHH are read. Empty if a backslash is followed by
/// anything else.
std::optional<std::string> unescape(std::string_view text);

/// A text as one word of a shell's command line, in single quotes if it needs them: for messages that show a command.
std::string shell_word(std::string_view text);

}  // namespace shardlog::cli

#pragma once

#include <string>
#include <string_view>

namespace shardlog::cli {

/// A text as one word of a shell's command line, for messages that show one: in single quotes where it needs them.
std::string shell_word(std::string_view text);

}  // namespace shardlog::cli

#pragma once

#include <string_view>

namespace shardlog::cli {

/// Some programs begin a text file with it (Unicode, section 23.8).
constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

/// What the start of a file shows.
enum class Mark { none, utf8, utf16, utf32, undecided };

/// Undecided where what follows may make another mark of it; a file that `ended` has only what is there.
Mark mark_of(std::string_view start, bool ended);

}  // namespace shardlog::cli

#pragma once

#include <string>
#include <string_view>

#include "shardlog/core/export.h"

namespace shardlog {

/// Appends `text` in a form that cannot command a terminal or break a line (CWE-150): control characters (C0, DEL, C1)
/// and bytes that are not valid UTF-8 become \xHH.
SHARDLOG_API void append_printable(std::string& to, std::string_view text);
SHARDLOG_API std::string printable(std::string_view text);

/// The same text between single quotes, for messages.
SHARDLOG_API std::string quote(std::string_view text);

}  // namespace shardlog

#pragma once

#include <optional>
#include <string_view>

#include "tools/stream-serve/wire/value.h"

namespace shardlog::serve::wire {

/// Reads a JSON text (RFC 8259) with at most most_levels and most_values; nullopt if it is anything else.
std::optional<Document> read_json(std::string_view text);

}  // namespace shardlog::serve::wire

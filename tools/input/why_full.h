#pragma once

#include <string>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// Why a stream of this name takes nothing more, and what would help: the consumer that is furthest behind, and how to
/// forget it.
std::string why_full(Stream& stream, const NoRoom& no_room, const std::string& name);

}  // namespace shardlog::cli

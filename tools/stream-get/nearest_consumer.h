#pragma once

#include <string>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// "; did you mean 'billing'?" where another consumer of the stream has nearly this name, for the message that tells of
/// a new one.
std::string nearest_consumer(Stream& stream, const std::string& name);

}  // namespace shardlog::cli

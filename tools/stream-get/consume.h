#pragma once

#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// Delivers what a consumer has not done, on so many workers as are asked for: prints it, or runs a command.
/// REQUIRES: command.consumer.name
ExitStatus run_consume(const GetCommand& command, const Context& context);

}  // namespace shardlog::cli

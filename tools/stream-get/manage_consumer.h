#pragma once

#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// --seek and --forget. REQUIRES: command.consumer.name, and that one of them was asked for
ExitStatus run_manage_consumer(const GetCommand& command, const Context& context);

}  // namespace shardlog::cli

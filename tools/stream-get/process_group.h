#pragma once

#include <sys/types.h>

namespace shardlog::cli {

/// Whether a process of the group is there that is more than a zombie. True where /proc does not tell.
bool has_living_process(pid_t group);

}  // namespace shardlog::cli

#pragma once

#include <cstddef>

#include "shardlog/log/stream.h"
#include "shardlog/reshard/plan.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

/// Applies the steps in turn, and changes `attributes` with the first one. Returns how many steps are done, and they
/// stay done. If not all are, the program was asked to stop, or another process has changed the shards meanwhile. Shows
/// its progress on a terminal if there are many steps.
std::size_t apply_plan(Stream& stream, const reshard::Plan& plan, ShardMap::Version version,
                       const ValueChanges& attributes, const Context& context);

}  // namespace shardlog::cli

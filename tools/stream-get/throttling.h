#pragma once

#include <fmt/format.h>

#include "shardlog/consuming/delivery.h"
#include "tools/common/tool.h"
#include "tools/common/units.h"

namespace shardlog::cli {

/// With -v: "waiting for capacity: each shard gives 2 MiB a second".
inline void tell_throttling(const consuming::Throttling& why, const Context& context) {
  const capacity::Limits& limits = why.limits;
  const std::string most =
      why.calls ? format_count(limits.read_calls.value_or(0), "read") : format_size(limits.read_bytes.value_or(0));
  context.detail(fmt::format("waiting for capacity: each shard gives {} a second", most));
}

}  // namespace shardlog::cli

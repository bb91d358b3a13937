#pragma once

#include <string>

#include "shardlog/core/consumer.h"
#include "shardlog/log/liveness.h"

namespace shardlog::consuming {

/// For messages: "'host:4711' (pid 4711)", or without what the engine does not know.
inline std::string text_of(const LeaseOwner& owner, Liveness& liveness) {
  const std::string process = liveness.describe(owner.process);
  return quote(owner.worker) + (process.empty() ? "" : " (" + process + ")");
}

}  // namespace shardlog::consuming

#pragma once

#include <fmt/format.h>

#include <string>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// "gap: shardId-000000000000 12..40 trimmed", or "lost"
inline std::string text_of(const Gap& gap) {
  return fmt::format("gap: {} {}..{} {}", gap.shard.to_string(), gap.first.to_string(), gap.last.to_string(),
                     gap.reason == Gap::Reason::lost ? "lost" : "trimmed");
}

}  // namespace shardlog::cli

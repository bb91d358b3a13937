#pragma once

#include <optional>
#include <string>

#include "shardlog/log/settings.h"
#include "shardlog/reshard/by_load.h"

namespace shardlog::scaling {

/// What a stream remembers of the latest decision that changed its shards: an attribute of the stream. So every engine
/// can keep it in one commit with the first step, and versions that know nothing of it keep it too.
struct LastDecision {
  reshard::ScalingState state{};
  std::string reason{};  ///< as in reshard::Decision, cut off if it is long; empty before the first decision
};

/// Throws corrupt if the attribute is there and was not written by remember().
LastDecision last_decision(const Attributes& attributes);

/// The change of attributes to make in one commit with the first step of the decision's plan.
ValueChanges remember(const reshard::Decision& decision);

}  // namespace shardlog::scaling

#include "shardlog/scaling/scale.h"

#include "shardlog/capacity/limits.h"
#include "shardlog/scaling/last_decision.h"
#include "shardlog/scaling/measure.h"

namespace shardlog::scaling {

reshard::Load capacity_of(const StreamDescription& described) {
  const capacity::Limits& own = described.settings.limits;
  const capacity::Limits limits = own.write_records || own.write_bytes ? own : capacity::kinesis_limits();
  return {static_cast<double>(limits.write_records.value_or(0)), static_cast<double>(limits.write_bytes.value_or(0))};
}

reshard::Decision decide(Stream& stream, const StreamDescription& described, const Bounds& bounds, Timestamp now) {
  require(stream.capabilities().exact_counts, "scaling by load", stream.capabilities());
  const reshard::ScalingOptions options{capacity_of(described), bounds.target, bounds.least, bounds.most,
                                        bounds.merges};
  const reshard::ScalingState state = last_decision(described.attributes).state;
  const reshard::Situation situation = measure(stream, described, options, state.window, now);
  return reshard::scale_by_load(situation, options, state);
}

}  // namespace shardlog::scaling

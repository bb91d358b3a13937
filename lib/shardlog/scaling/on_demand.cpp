#include "shardlog/scaling/on_demand.h"

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "shardlog/scaling/last_decision.h"
#include "shardlog/scaling/scale.h"

namespace shardlog::scaling {

namespace {

using std::chrono::minutes;

constexpr double target = 0.5;

void scale(Stream& stream, const StreamDescription& described, bool merges, Timestamp now) {
  const reshard::Decision decision = decide(stream, described, {.target = target, .merges = merges}, now);
  ShardMap::Version version = described.map.version();
  ValueChanges attributes = remember(decision);
  const std::vector<ReshardStep> steps = reshard::steps_of(decision.plan);
  for (std::size_t done = 0; done < steps.size();) {
    const auto applied = stream.resharding().apply_some(std::span(steps).subspan(done), version, attributes);
    if (!applied) return;
    done += applied->steps;
    version = applied->version;
    attributes.clear();
  }
}

}  // namespace

OnDemand::OnDemand(Stream& stream, const StreamDescription& described, const Clock& clock)
    : stream_(stream), clock_(clock), looked_at_(minute()) {
  // Somebody else has written in this minute, and looked before that.
  const bool looked = described.last_arrival && *described.last_arrival >= looked_at_;
  if (described.settings.mode == Mode::on_demand && !looked) looked_at_ -= minutes(1);
}

void OnDemand::tend() {
  const Timestamp now = minute();
  if (now == looked_at_) return;
  looked_at_ = now;
  const StreamDescription described = stream_.describe();
  if (described.settings.mode != Mode::on_demand) return;
  const Timestamp hour = std::chrono::floor<std::chrono::hours>(now);
  const bool merges = std::exchange(looked_for_merges_, hour) != hour;
  scale(stream_, described, merges, clock_.now());
}

Timestamp OnDemand::minute() const {
  return std::chrono::floor<minutes>(clock_.now());
}

}  // namespace shardlog::scaling

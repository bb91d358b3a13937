#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "shardlog/scaling/last_decision.h"
#include "shardlog/scaling/scale.h"
#include "tools/common/escapes.h"
#include "tools/common/json_text.h"
#include "tools/common/open_stream.h"
#include "tools/stream-reshard/apply_plan.h"
#include "tools/stream-reshard/options.h"
#include "tools/stream-reshard/plan_text.h"

namespace shardlog::cli {

namespace {

scaling::Bounds bounds_of(const ReshardCommand& command) {
  scaling::Bounds bounds;
  if (command.target) bounds.target = *command.target / 100;
  if (command.least) bounds.least = *command.least;
  if (command.most) bounds.most = *command.most;
  return bounds;
}

std::string json_hot_key(const reshard::HotKey& hot) {
  return json_object({{"shard", json(hot.shard)}, {"key", json(hot.key)}, {"share", fmt::format("{:.3f}", hot.share)}});
}

std::string format_json(const reshard::Decision& decision, const ShardMap& after) {
  return format_plan_json(
      after, decision.plan,
      {{"reason", json(decision.reason)}, {"hot_keys", json_array(decision.hot_keys, json_hot_key)}});
}

/// Its writers decide by other bounds, and one of both would undo what the other does.
void refuse_on_demand(const StreamDescription& described, const std::string& stream) {
  if (described.settings.mode != Mode::on_demand) return;
  throw Error(ErrorCode::usage, fmt::format("auto: {} is on-demand, its writers do that; "
                                            "stream-create {} --update --mode provisioned ends it",
                                            quote(shown_name(stream)), shell_word(shown_name(stream))));
}

/// A decision that changes nothing is silent, but for a hot key: nobody else will find it.
void tell(const reshard::Decision& decision, const StreamDescription& described, const ReshardCommand& command,
          const Context& context) {
  const ShardMap after = result_of(described.map, decision.plan, context.clock.now());
  if (command.json) {
    context.output.write(format_json(decision, after));
  } else if (command.dry_run || !decision.plan.empty()) {
    context.output.write(decision.reason + "\n\n" +
                         format_plan(described.map, after, decision.plan, Figures::per_second));
  } else if (!decision.hot_keys.empty()) {
    context.warn(decision.reason);
  } else {
    context.detail(decision.reason);
    const std::string latest = scaling::last_decision(described.attributes).reason;
    if (!latest.empty()) context.detail("the latest decision: " + latest);
  }
}

}  // namespace

ExitStatus run_auto(const ReshardCommand& command, const Context& context) {
  const Access access = command.dry_run ? Access::read : Access::write;
  const auto stream = open_stream(address_of(*command.stream), access, context);
  while (true) {
    const StreamDescription described = stream->describe();
    refuse_on_demand(described, *command.stream);
    reshard::Decision decision = scaling::decide(*stream, described, bounds_of(command), context.clock.now());
    if (!command.dry_run && !decision.plan.empty()) {
      const ValueChanges attributes = scaling::remember(decision);
      const std::size_t done = apply_plan(*stream, decision.plan, described.map.version(), attributes, context);
      if (context.stop.stop_requested()) return ExitStatus::partly;
      if (done == 0) continue;  // decide again
      // If another process changes the shards between two steps, the rest is left to the next decision.
      decision.plan.resize(done);
    }
    tell(decision, described, command, context);
    return ExitStatus::success;
  }
}

}  // namespace shardlog::cli

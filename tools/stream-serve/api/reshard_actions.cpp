#include "tools/stream-serve/api/reshard_actions.h"

#include <fmt/format.h>

#include <functional>
#include <span>
#include <vector>

#include "shardlog/reshard/plan.h"
#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shard_limit.h"

namespace shardlog::serve::api {

namespace {

using Planner = std::function<Result<reshard::Plan>(const ShardMap&)>;

/// Applies a plan step by step, each in a commit of its own. If somebody else changes the shards meanwhile, plans
/// again. A plan can have thousands of steps: the server does not wait for them when it ends.
Check apply_plan(Stream& stream, const Planner& planner, const std::stop_token& stop) {
  while (true) {
    ShardMap::Version version = 0;
    std::optional<Result<reshard::Plan>> planned;
    {
      const StreamDescription described = stream.describe();
      version = described.map.version();
      planned = planner(described.map);
    }
    if (const Refusal* const refused = refusal_of(*planned)) return *refused;
    const auto& plan = std::get<reshard::Plan>(*planned);
    if (plan.empty()) stream.make_durable();  // who did it before may have been killed before it was synced
    const std::vector<ReshardStep> steps = reshard::steps_of(plan);
    std::size_t done = 0;
    while (done < plan.size()) {
      if (stop.stop_requested()) return Refusal{unavailable, "The server ends; some shards may have changed.", 503};
      const auto applied = stream.resharding().apply_some(std::span(steps).subspan(done), version);
      if (!applied) break;
      done += applied->steps;
      version = applied->version;
    }
    if (done == plan.size()) return std::nullopt;
  }
}

Check reshard_stream(const Call& call, ServedStream& served, const Planner& planner) {
  const std::string name = std::get<std::string>(stream_named(call));
  const Transitions::Change change(call.environment.transitions, name);
  if (!change) return not_active(call, name, Transitions::State::updating);
  Check result;
  served.write([&](Stream& stream) { result = apply_plan(stream, planner, call.environment.stop); });
  return result;
}

/// Where a call names a stream and shards of it.
class Named {
 public:
  explicit Named(const Call& call) : account_(call.account.id), stream_(std::get<std::string>(stream_named(call))) {}

  /// An open shard of the map.
  [[nodiscard]] Result<ShardId> open_shard(const ShardMap& map, const std::string& text) const {
    const Shard* const shard = find_shard(map, text);
    if (shard == nullptr) {
      return Refusal{resource_not_found,
                     fmt::format("Could not find shard {} in stream {} under account {}.", text, stream_, account_)};
    }
    if (shard->open()) return shard->id;
    return Refusal{invalid_argument,
                   fmt::format("Shard {} in stream {} under account {} has already been merged or split, and thus is "
                               "not eligible for merging or splitting.",
                               shard->id.to_string(), stream_, account_)};
  }

  [[nodiscard]] const std::string& account() const { return account_; }
  [[nodiscard]] const std::string& stream() const { return stream_; }

 private:
  std::string account_;
  std::string stream_;
};

/// The shards of an on-demand stream are not for clients to change.
Check check_provisioned(const StreamDescription& described) {
  if (described.settings.mode == Mode::provisioned) return std::nullopt;
  return Refusal{validation,
                 "Request is invalid. The stream has the mode ON_DEMAND, which changes its shards by itself."};
}

Result<reshard::Plan> plan_split(const Named& named, const ShardMap& map, const std::string& text, HashKey at) {
  auto found = named.open_shard(map, text);
  if (const Refusal* const refused = refusal_of(found)) return *refused;
  const ShardId shard = std::get<ShardId>(found);
  const HashRange range = map.at(shard).range;
  if (range.contains(at) && at != range.first) return reshard::split(map, shard, at, {});
  return Refusal{
      invalid_argument,
      fmt::format("NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {} is not "
                  "both greater than the shard's StartingHashKey {} and at most the shard's EndingHashKey {}.",
                  at.to_string(), shard.to_string(), named.stream(), named.account(), range.first.to_string(),
                  range.last.to_string())};
}

Check split_shard(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    if (auto refused = check_provisioned(described)) return refused;
    const std::string shard = text_of(call.input, "ShardToSplit").value_or("");
    auto found = Named(call).open_shard(described.map, shard);
    if (const Refusal* const refused = refusal_of(found)) return *refused;
    if (auto refused = check_shard_limit(call, 1)) return refused;
    const std::string text = text_of(call.input, "NewStartingHashKey").value_or("");
    const auto at = HashKey::parse(text);
    if (!at) return Refusal{invalid_argument, fmt::format("NewStartingHashKey {} is not below 2^128.", text)};
    return reshard_stream(call, served, [&](const ShardMap& map) { return plan_split(Named(call), map, shard, *at); });
  });
}

Result<reshard::Plan> plan_merge(const Named& named, const ShardMap& map, const std::string& one,
                                 const std::string& other) {
  auto first = named.open_shard(map, one);
  if (const Refusal* const refused = refusal_of(first)) return *refused;
  auto second = named.open_shard(map, other);
  if (const Refusal* const refused = refusal_of(second)) return *refused;
  const Shard& a = map.at(std::get<ShardId>(first));
  const Shard& b = map.at(std::get<ShardId>(second));
  const auto is_before = [](const Shard& left, const Shard& right) {
    return left.range.last != max_hash_key && left.range.last.value() + 1 == right.range.first.value();
  };
  if (is_before(a, b) || is_before(b, a)) return reshard::merge(map, a.id, b.id, {});
  return Refusal{
      invalid_argument,
      fmt::format("Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible "
                  "for merging",
                  a.id.to_string(), b.id.to_string(), named.stream(), named.account())};
}

Check merge_shards(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    if (auto refused = check_provisioned(described)) return refused;
    return reshard_stream(call, served, [&call](const ShardMap& map) {
      return plan_merge(Named(call), map, text_of(call.input, "ShardToMerge").value_or(""),
                        text_of(call.input, "AdjacentShardToMerge").value_or(""));
    });
  });
}

Check update_shard_count(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    if (auto refused = check_provisioned(described)) return refused;
    const auto current = described.map.open_shards().size();
    const auto target = static_cast<std::uint64_t>(number_of(call.input, "TargetShardCount").value_or(1));
    if (target > max_shards) {
      return Refusal{limit_exceeded, fmt::format("A stream can have at most {} shards.", max_shards)};
    }
    if (target > current) {
      if (auto refused = check_shard_limit(call, target - current)) return refused;
    }
    auto refused = reshard_stream(call, served, [target](const ShardMap& map) -> Result<reshard::Plan> {
      return reshard::scale(map, static_cast<std::uint32_t>(target), {});
    });
    if (refused) return refused;
    const std::string stream = std::get<std::string>(stream_named(call));
    call.output.begin_structure();
    call.output.text("StreamName", stream);
    call.output.number("CurrentShardCount", current);
    call.output.number("TargetShardCount", target);
    call.output.text("StreamARN", to_string(kinesis::StreamArn{call.account, stream}));
    call.output.end_structure();
    return std::nullopt;
  });
}

}  // namespace

std::vector<Action> reshard_actions() {
  return {
      {"SplitShard",
       {{"ShardToSplit", name(), true},
        {"NewStartingHashKey", hash_key(), true},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &split_shard,
       false,
       Needs::active},
      {"MergeShards",
       {{"ShardToMerge", name(), true},
        {"AdjacentShardToMerge", name(), true},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &merge_shards,
       false,
       Needs::active},
      {"UpdateShardCount",
       {{"ScalingType", enumeration({"UNIFORM_SCALING"}), true},
        {"TargetShardCount", positive_integer(), true},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &update_shard_count,
       true,
       Needs::active},
  };
}

}  // namespace shardlog::serve::api

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "shardlog/core/numbers.h"
#include "shardlog/reshard/plan.h"
#include "tools/common/open_stream.h"
#include "tools/common/option_table.h"
#include "tools/stream-reshard/apply_plan.h"
#include "tools/stream-reshard/options.h"
#include "tools/stream-reshard/plan_text.h"

namespace shardlog::cli {

namespace {

ShardId shard_argument(const std::string& text) {
  const auto id = ShardId::parse(text);
  if (!id) throw Error(ErrorCode::usage, quote(text) + " is not a shard: shardId-000000000003, or 3");
  return *id;
}

std::uint32_t count_argument(const std::string& text) {
  if (const auto count = parse_number<std::uint32_t>(text)) return *count;
  throw Error(ErrorCode::usage, fmt::format("{} is not a number of shards from 1 to {}", quote(text), max_shards));
}

std::optional<HashKey> split_point(const ReshardCommand& command) {
  if (command.at_key) {
    check_key(*command.at_key, "--at-key");
    return HashKey::of(*command.at_key);
  }
  if (!command.at) return std::nullopt;
  const auto key = HashKey::parse(*command.at);
  if (!key) refuse_value("--at", *command.at, "is not a hash key: a decimal number from 0 to 2^128-1");
  return key;
}

/// Throws usage if the key is in another open shard, which the message names.
void check_at_key(const std::string& key, ShardId id, const ShardMap& map) {
  const HashKey hash_key = HashKey::of(key);
  const Shard* const shard = map.find(id);
  if (shard == nullptr || !shard->open() || shard->range.contains(hash_key)) return;
  throw Error(ErrorCode::usage,
              fmt::format("--at-key {}: its shard is {}, not {}", quote(key),
                          map.open_shards()[map.open_index_of(hash_key)].to_string(), id.to_string()));
}

/// The plan that the command asks for, for a stream as it is now.
reshard::Plan plan_for(const ReshardCommand& command, const ShardMap& map, const reshard::Loads& loads) {
  if (command.action == "split") {
    const ShardId shard = shard_argument(command.arguments[0]);
    const auto point = split_point(command);
    if (command.at_key) check_at_key(*command.at_key, shard, map);
    return reshard::split(map, shard, point, loads);
  }
  if (command.action == "merge") {
    return reshard::merge(map, shard_argument(command.arguments[0]), shard_argument(command.arguments[1]), loads);
  }
  return reshard::scale(map, count_argument(command.arguments[0]), loads);
}

reshard::Loads loads_of(const StreamStatistics& statistics) {
  reshard::Loads loads;
  for (const ShardStatistics& shard : statistics.shards) {
    loads[shard.shard.id] = {static_cast<double>(shard.records.value_or(0)),
                             static_cast<double>(shard.bytes.value_or(0))};
  }
  return loads;
}

}  // namespace

ExitStatus run_reshard(const ReshardCommand& command, const Context& context) {
  check(command);
  if (command.action == "auto") return run_auto(command, context);
  const Access access = command.dry_run ? Access::read : Access::write;
  const auto stream = open_stream(address_of(*command.stream), access, context);
  while (true) {
    const StreamStatistics statistics = stream->maintenance().statistics(Detail::load);
    const ShardMap& map = statistics.description.map;
    const reshard::Plan plan = plan_for(command, map, loads_of(statistics));
    const std::size_t done =
        command.dry_run ? plan.size() : apply_plan(*stream, plan, map.version(), ValueChanges{}, context);
    if (context.stop.stop_requested()) return ExitStatus::partly;
    if (done < plan.size()) continue;  // plan again
    // An earlier run may have applied these steps and been killed before it synced them.
    if (!command.dry_run && plan.empty()) stream->make_durable();
    const ShardMap after = result_of(map, plan, context.clock.now());
    if (command.json) {
      context.output.write(format_plan_json(after, plan));
    } else if (command.dry_run) {
      context.output.write(format_plan(map, after, plan, Figures::held));
    }
    return ExitStatus::success;
  }
}

}  // namespace shardlog::cli

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "shardlog/core/numbers.h"
#include "shardlog/reshard/plan.h"
#include "tools/common/json_text.h"
#include "tools/common/open_stream.h"
#include "tools/common/option_table.h"
#include "tools/common/scan.h"
#include "tools/common/units.h"
#include "tools/stream-reshard/options.h"

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

/// Folds all steps into one change: a map for each step would take quadratic time.
ShardMap result_of(const ShardMap& map, const reshard::Plan& plan, Timestamp now) {
  std::vector<Shard> shards = map.shards();  // in the order of their ids, as are the children
  for (const auto& [step, moved] : plan) {
    for (const ShardId id : step.closes) std::ranges::lower_bound(shards, id, {}, &Shard::id)->closed_at = now;
    for (const auto& [id, range, parent, adjacent_parent] : step.opens) {
      shards.push_back({id, range, now, std::nullopt, parent, adjacent_parent});
    }
  }
  return {map.version() + plan.size(), std::move(shards)};
}

constexpr std::size_t picture_width = 64;

/// The column of a hash key in the picture.
std::size_t column_of(HashKey key) {
  const double part = static_cast<double>(key.value()) / static_cast<double>(max_hash_key.value());
  return static_cast<std::size_t>(std::lround(part * picture_width));
}

/// "|----0----|----1----|": each open shard, with its number if there is room for it.
std::string draw(const ShardMap& map) {
  std::string line(picture_width + 1, '-');
  line.back() = '|';
  for (const ShardId id : map.open_shards()) {
    const HashRange& range = map.find(id)->range;
    const std::size_t start = column_of(range.first);
    const std::size_t end = column_of(range.last);
    line[start] = '|';
    const std::string number = std::to_string(id.number());
    if (end - start > number.size() + 1) {
      line.replace(start + 1 + (end - start - 1 - number.size()) / 2, number.size(), number);
    }
  }
  return line;
}

std::string describe(const reshard::PlannedStep& planned) {
  const ReshardStep& step = planned.step;
  std::vector<std::uint32_t> parents;
  std::vector<std::uint32_t> children;
  for (const ShardId id : step.closes) parents.push_back(id.number());
  for (const ReshardStep::Child& child : step.opens) children.push_back(child.id.number());
  const bool is_split = parents.size() == 1;
  return fmt::format("{} {} -> {}{}, {} in {} stay behind", is_split ? "split" : "merge", fmt::join(parents, " + "),
                     fmt::join(children, " + "), is_split ? " at " + step.opens[1].range.first.to_string() : "",
                     format_count(static_cast<std::uint64_t>(planned.moved.records), "record"),
                     format_size(static_cast<std::uint64_t>(planned.moved.bytes)));
}

std::string json_child(const ReshardStep::Child& child) {
  return json_object({{"shard", json(child.id)},
                      {"first_hash_key", json(child.range.first)},
                      {"last_hash_key", json(child.range.last)},
                      {"parent", json(child.parent)},
                      {"adjacent_parent", json(child.adjacent_parent)}});
}

std::string json_step(const reshard::PlannedStep& planned) {
  return json_object({{"closes", json_array(planned.step.closes)},
                      {"opens", json_array(planned.step.opens, json_child)},
                      {"records", fmt::format("{:.0f}", planned.moved.records)},
                      {"bytes", fmt::format("{:.0f}", planned.moved.bytes)}});
}

/// For a person: the key space before and after, and the steps between.
std::string format_plan(const ShardMap& before, const ShardMap& after, const reshard::Plan& plan) {
  std::string text = fmt::format("        0{:>{}}\n", "2^128", picture_width);
  text += fmt::format("before  {}  {} open\n", draw(before), format_count(before.open_shards().size()));
  text += fmt::format("after   {}  {} open\n\n", draw(after), format_count(after.open_shards().size()));
  if (plan.empty()) return text + "nothing to do\n";
  std::size_t number = 0;
  for (const reshard::PlannedStep& step : plan) text += fmt::format("{:>5}  {}\n", ++number, describe(step));
  return text;
}

/// For a program: one JSON object on a line.
std::string format_plan_json(const ShardMap& after, const reshard::Plan& plan) {
  return json_object({{"steps", json_array(plan, json_step)}, {"open", json_array(after.open_shards())}}) + "\n";
}

/// Shows how many steps are done, on a terminal, if there are many.
class Progress {
 public:
  Progress(const Context& context, std::size_t steps)
      : steps_(steps), shown_(::isatty(STDERR_FILENO) != 0 && !context.quiet && steps > 100) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

  void show(std::size_t done) const {
    if (shown_ && done % 100 == 0) fmt::print(stderr, "\r{} of {} steps", done, steps_);
  }

 private:
  std::size_t steps_;
  bool shown_;
};

/// False if another process has changed the shard map meanwhile. The steps until then stay applied.
bool apply_plan(Stream& stream, const reshard::Plan& plan, ShardMap::Version version, const Context& context) {
  const Progress progress(context, plan.size());
  std::size_t done = 0;
  for (const auto& [step, moved] : plan) {
    if (context.stop.stop_requested()) return true;  // the map is valid after every step
    const auto next = stream.resharding().apply(step, version);
    if (!next) return false;
    version = *next;
    progress.show(++done);
  }
  return true;
}

}  // namespace

ExitStatus run_reshard(const ReshardCommand& command, const Context& context) {
  check(command);
  const Access access = command.dry_run ? Access::read : Access::write;
  const auto stream = open_stream(address_of(*command.stream), access, context);
  while (true) {
    const StreamStatistics statistics = stream->maintenance().statistics(Detail::load);
    const ShardMap& map = statistics.description.map;
    const reshard::Plan plan = plan_for(command, map, loads_of(statistics));
    if (!command.dry_run && !apply_plan(*stream, plan, map.version(), context)) continue;  // plan again
    if (context.stop.stop_requested()) return ExitStatus::partly;
    // An earlier run may have applied these steps and been killed before it synced them.
    if (!command.dry_run && plan.empty()) stream->make_durable();
    const ShardMap after = result_of(map, plan, context.clock.now());
    if (command.json) {
      context.output.write(format_plan_json(after, plan));
    } else if (command.dry_run) {
      context.output.write(format_plan(map, after, plan));
    }
    return ExitStatus::success;
  }
}

}  // namespace shardlog::cli

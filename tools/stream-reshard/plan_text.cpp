#include "tools/stream-reshard/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/common/json_text.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

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

}  // namespace

std::string format_plan(const ShardMap& before, const ShardMap& after, const reshard::Plan& plan) {
  std::string text = fmt::format("        0{:>{}}\n", "2^128", picture_width);
  text += fmt::format("before  {}  {} open\n", draw(before), format_count(before.open_shards().size()));
  text += fmt::format("after   {}  {} open\n\n", draw(after), format_count(after.open_shards().size()));
  if (plan.empty()) return text + "nothing to do\n";
  std::size_t number = 0;
  for (const reshard::PlannedStep& step : plan) text += fmt::format("{:>5}  {}\n", ++number, describe(step));
  return text;
}

std::string format_plan_json(const ShardMap& after, const reshard::Plan& plan) {
  return json_object({{"steps", json_array(plan, json_step)}, {"open", json_array(after.open_shards())}}) + "\n";
}

}  // namespace shardlog::cli

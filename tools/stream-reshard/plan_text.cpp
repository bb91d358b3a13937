#include "tools/stream-reshard/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

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

/// A rate, with a digit after the point if it is small.
std::string format_rate(double rate) {
  return rate < 10 ? fmt::format("{:.1f}", rate) : format_count(static_cast<std::uint64_t>(std::llround(rate)));
}

std::string describe(const reshard::Load& load, Figures figures) {
  const std::string size = format_size(static_cast<std::uint64_t>(load.bytes));
  if (figures == Figures::per_second) return fmt::format("{} records and {} a second", format_rate(load.records), size);
  return fmt::format("{} in {} stay behind", format_count(static_cast<std::uint64_t>(load.records), "record"), size);
}

std::string describe(const reshard::PlannedStep& planned, Figures figures) {
  const ReshardStep& step = planned.step;
  std::vector<std::uint32_t> parents;
  std::vector<std::uint32_t> children;
  for (const ShardId id : step.closes) parents.push_back(id.number());
  for (const ReshardStep::Child& child : step.opens) children.push_back(child.id.number());
  const bool is_split = parents.size() == 1;
  return fmt::format("{} {} -> {}{}, {}", is_split ? "split" : "merge", fmt::join(parents, " + "),
                     fmt::join(children, " + "), is_split ? " at " + step.opens[1].range.first.to_string() : "",
                     describe(planned.moved, figures));
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

std::string format_plan(const ShardMap& before, const ShardMap& after, const reshard::Plan& plan, Figures figures) {
  std::string text = fmt::format("        0{:>{}}\n", "2^128", picture_width);
  text += fmt::format("before  {}  {} open\n", draw(before), format_count(before.open_shards().size()));
  text += fmt::format("after   {}  {} open\n\n", draw(after), format_count(after.open_shards().size()));
  if (plan.empty()) return text + "nothing to do\n";
  std::size_t number = 0;
  for (const reshard::PlannedStep& step : plan) text += fmt::format("{:>5}  {}\n", ++number, describe(step, figures));
  return text;
}

std::string format_plan_json(const ShardMap& after, const reshard::Plan& plan,
                             std::vector<std::pair<std::string, std::string>> more) {
  more.emplace_back("steps", json_array(plan, json_step));
  more.emplace_back("open", json_array(after.open_shards()));
  return json_object(more) + "\n";
}

}  // namespace shardlog::cli

#include "tools/stream-reshard/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t picture_width = 64;

/// Where a hash key stands in the picture.
std::size_t column_of(HashKey key) {
  const double part = static_cast<double>(key.value()) / static_cast<double>(max_hash_key.value());
  return static_cast<std::size_t>(std::lround(part * picture_width));
}

/// "|----0----|----1----|": each open shard with its number, where there is room for it.
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

std::string numbers_of(const std::vector<ShardId>& ids) {
  std::string text;
  for (const ShardId id : ids) text += (text.empty() ? "" : " + ") + std::to_string(id.number());
  return text;
}

std::string describe(const reshard::PlannedStep& planned) {
  const ReshardStep& step = planned.step;
  std::vector<ShardId> children;
  for (const auto& child : step.opens) children.push_back(child.id);
  const std::string what = step.closes.size() == 1
                               ? fmt::format("split {} -> {} at {}", numbers_of(step.closes), numbers_of(children),
                                             step.opens[1].range.first.to_string())
                               : fmt::format("merge {} -> {}", numbers_of(step.closes), numbers_of(children));
  return fmt::format("{}, {} in {} stay behind", what,
                     format_count(static_cast<std::uint64_t>(planned.moved.records), "record"),
                     format_size(static_cast<std::uint64_t>(planned.moved.bytes)));
}

std::string list(const std::vector<ShardId>& ids) {
  std::string text;
  for (const ShardId id : ids) text += fmt::format("{}\"{}\"", text.empty() ? "" : ",", id.to_string());
  return text;
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
  std::string json = R"({"steps":[)";
  const char* separator = "";
  for (const auto& [step, moved] : plan) {
    json += fmt::format(R"({}{{"closes":[{}],"opens":[)", separator, list(step.closes));
    const char* between = "";
    for (const ReshardStep::Child& child : step.opens) {
      json += fmt::format(
          R"({}{{"shard":"{}","first_hash_key":"{}","last_hash_key":"{}","parent":"{}","adjacent_parent":{}}})",
          between, child.id.to_string(), child.range.first.to_string(), child.range.last.to_string(),
          child.parent.to_string(),
          child.adjacent_parent ? fmt::format("\"{}\"", child.adjacent_parent->to_string()) : "null");
      between = ",";
    }
    json += fmt::format(R"(],"records":{:.0f},"bytes":{:.0f}}})", moved.records, moved.bytes);
    separator = ",";
  }
  return json + fmt::format("],\"open\":[{}]}}\n", list(after.open_shards()));
}

}  // namespace shardlog::cli

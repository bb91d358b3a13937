#include "tools/stream-reshard/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "shardlog/core/nearest.h"

namespace shardlog::cli {

namespace {

struct Action {
  std::string_view name;
  std::size_t arguments;  ///< after STREAM
  std::string_view what;
  std::string_view example;
};

constexpr std::array<Action, 4> actions{{{"split", 1, "one SHARD", "stream-reshard split STREAM SHARD"},
                                         {"merge", 2, "two SHARDs", "stream-reshard merge STREAM SHARD SHARD"},
                                         {"scale", 1, "the number of shards", "stream-reshard scale STREAM N"},
                                         {"auto", 0, "nothing else", "stream-reshard auto STREAM"}}};

/// If the action is the second argument, the message has the line that was meant.
[[noreturn]] void refuse_action(const ReshardCommand& command) {
  std::string meant;
  for (const Action& action : actions) {
    if (command.stream != action.name) continue;
    meant = fmt::format("; did you mean: stream-reshard {} {}", action.name, command.action);
    for (const std::string& argument : command.arguments) meant += " " + argument;
  }
  if (meant.empty()) meant = did_you_mean(command.action, {"split", "merge", "scale", "auto"});
  throw Error(ErrorCode::usage, fmt::format("{} is not an action; split, merge, scale or auto comes before STREAM{}",
                                            quote(command.action), meant));
}

}  // namespace

void define(OptionTable& options, ReshardCommand& command) {
  options.argument("ACTION", command.action);
  options.argument("STREAM", command.stream);
  options.arguments("ARGUMENT", command.arguments);

  options.group("Where to split");
  const auto at =
      options.value("--at", "HASHKEY", command.at, "at this hash key, the first one of the second child (the middle)");
  options.value("--at-key", "KEY", command.at_key, "at the hash key of this partition key").excludes(at);

  options.group("Scaling by load");
  options.percent("--target", command.target, "split a shard that carries more of its capacity for long (70)");
  const auto limit = [](std::optional<std::uint32_t>& into) {
    return [&into](std::uint64_t value) { into = static_cast<std::uint32_t>(value); };
  };
  options.count("--min", 1, max_shards, limit(command.least), "keep at least N shards open (1)");
  options.count("--max", 1, max_shards, limit(command.most), "open no more than N shards (10000)");

  options.group("Output");
  options.flag("--dry-run", command.dry_run, "print the plan and change nothing");
  options.flag("--json", command.json, "print the plan as a JSON object");
}

void check(const ReshardCommand& command) {
  const auto* const action =
      std::find_if(actions.begin(), actions.end(), [&](const Action& known) { return known.name == command.action; });
  if (action == actions.end()) refuse_action(command);
  if (!command.stream || command.arguments.size() != action->arguments) {
    throw Error(ErrorCode::usage,
                fmt::format("{} takes STREAM and {}: {}", action->name, action->what, action->example));
  }
  if (command.action != "split" && (command.at || command.at_key)) {
    throw Error(ErrorCode::usage, "--at and --at-key go with split");
  }
  if (command.action != "auto" && (command.target || command.least || command.most)) {
    throw Error(ErrorCode::usage, "--target, --min and --max go with auto");
  }
  if (command.least && command.most && *command.least > *command.most) {
    throw Error(ErrorCode::usage, fmt::format("--min {} is more than --max {}", *command.least, *command.most));
  }
}

}  // namespace shardlog::cli

#include "tools/stream-reshard/options.h"

namespace shardlog::cli {

void define(OptionTable& options, ReshardCommand& command) {
  options.argument("ACTION", command.action);
  options.argument("STREAM", command.stream);
  options.arguments("ARGUMENT", command.arguments);

  options.group("Where to split");
  const auto at =
      options.value("--at", "HASHKEY", command.at, "at this hash key, the first one of the second child (the middle)");
  options.value("--at-key", "KEY", command.at_key, "at the hash key of this partition key").excludes(at);

  options.group("Output");
  options.flag("--dry-run", command.dry_run, "print the plan and change nothing");
  options.flag("--json", command.json, "print the plan as a JSON object");
}

}  // namespace shardlog::cli

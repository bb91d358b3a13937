#include "tools/stream-reshard/options.h"

#include <CLI/CLI.hpp>

#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, ReshardCommand& command) {
  app.add_option("ACTION", command.action, "split, merge or scale")->required();
  add_stream(app, command.stream);
  app.add_option("ARGUMENT", command.arguments, "the shards, or how many there are to be")->required();
  const char* const splitting = "Where to split";
  auto* const at =
      app.add_option("--at", command.at, "at this hash key, the first one of the second child (the middle)")
          ->type_name("HASHKEY")
          ->group(splitting);
  app.add_option("--at-key", command.at_key, "at the hash key of this partition key")
      ->type_name("KEY")
      ->group(splitting)
      ->excludes(at);
  const char* const output = "Output";
  app.add_flag("--dry-run", command.dry_run, "print the plan and change nothing")->group(output);
  app.add_flag("--json", command.json, "print the plan as a JSON object")->group(output);
}

}  // namespace shardlog::cli

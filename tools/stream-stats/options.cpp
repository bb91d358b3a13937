#include "tools/stream-stats/options.h"

#include <CLI/CLI.hpp>

#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, StatsCommand& command) {
  add_stream(app, command.stream);
  const char* const what = "What to show";
  auto* const json = app.add_flag("--json", command.json, "the page as one JSON object")->group(what);
  auto* const shard_for =
      add_list(app, "--shard-for", command.shard_for, "the shard and hash key of a key, can be repeated")
          ->type_name("KEY")
          ->group(what);
  app.add_flag("--verify", command.verify, "read everything and check it: exit 65 with a list where something is wrong")
      ->excludes(json)
      ->excludes(shard_for)
      ->group(what);
}

}  // namespace shardlog::cli

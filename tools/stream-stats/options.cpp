#include "tools/stream-stats/options.h"

#include <CLI/CLI.hpp>

#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, StatsCommand& command) {
  app.add_option("STREAM", command.stream, "the stream");
  const char* const what = "What to show";
  auto* const json = app.add_flag("--json", command.json, "the page as one JSON object")->group(what);
  auto* const shard_for =
      add_list(app, "--shard-for", command.shard_for, "the shard and hash key of a key, can be repeated")
          ->type_name("KEY")
          ->group(what);
  auto* const verify = app.add_flag("--verify", command.verify,
                                    "read everything and check it: exit 65 with a list where something is wrong")
                           ->excludes(json)
                           ->excludes(shard_for)
                           ->group(what);
  app.add_flag("--watch{2s}", command.watch, "show it again at this interval, until a signal comes (2s)")
      ->type_name("[=DURATION]")
      ->excludes(shard_for)
      ->excludes(verify)
      ->group(what);
}

}  // namespace shardlog::cli

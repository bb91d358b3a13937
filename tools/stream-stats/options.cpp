#include "tools/stream-stats/options.h"

namespace shardlog::cli {

void define(OptionTable& options, StatsCommand& command) {
  options.argument("STREAM", command.stream);

  options.group("What to show");
  const auto json = options.flag("--json", command.json, "the page as one JSON object");
  const auto shard_for =
      options.list("--shard-for", "KEY", command.shard_for, "the shard and hash key of a key, can be repeated");
  const auto verify = options
                          .flag("--verify", command.verify,
                                "read everything and check it: exit 65 with a list where something is wrong")
                          .excludes(json)
                          .excludes(shard_for);
  options
      .flag_with_value("--watch", "DURATION", "2s", command.watch,
                       "show it again at this interval, until a signal comes (2s)")
      .excludes(shard_for)
      .excludes(verify);
}

}  // namespace shardlog::cli

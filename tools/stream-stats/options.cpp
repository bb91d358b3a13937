#include "tools/stream-stats/options.h"

namespace shardlog::cli {

void define(OptionTable& options, StatsCommand& command) {
  options.argument("STREAM", command.stream);

  options.group("What to show");
  const auto json = options.flag("--json", command.json, "the page as one JSON object");
  const auto shard_for =
      options.list("--shard-for", "KEY", command.shard_for, "the shard and hash key of a key, can be repeated");
  const auto consumers =
      options.flag("--consumers", command.consumers, "consumers, with owner, checkpoint and backlog of each shard")
          .excludes(shard_for);
  const auto consumer =
      options.value("-c,--consumer", "NAME", command.consumer, "the same of this one").excludes(shard_for);
  const auto producers =
      options.flag("--producers", command.producers, "how far each producer has come in its input").excludes(shard_for);
  const auto verify = options
                          .flag("--verify", command.verify,
                                "read everything and check it: exit 65 with a list where something is wrong")
                          .excludes(json)
                          .excludes(shard_for)
                          .excludes(consumers)
                          .excludes(consumer)
                          .excludes(producers);
  options
      .flag_with_value("--watch", "DURATION", "2s", command.watch,
                       "show it again at this interval, until a signal comes (2s)")
      .excludes(shard_for)
      .excludes(verify);
}

}  // namespace shardlog::cli

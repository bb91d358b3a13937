#include "tools/stream-stats/options.h"

#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

void take_load(StatsCommand& command, const std::string& text) {
  command.load = parse_load(text);
  if (command.load) return;
  refuse_value("--for", text,
               "is not a load: 5000/s is records, 2MiB/s is bytes, '3 consumers' read them; commas join them");
}

void take_interval(StatsCommand& command, const std::string& text) {
  command.watch = parse_duration(text);
  if (command.watch && *command.watch != Duration(0)) return;
  refuse_value("--watch", text, "is not an interval: a number above 0 and us, ms, s, m, h, d or w");
}

}  // namespace

void define(OptionTable& options, StatsCommand& command) {
  options.argument("STREAM", command.stream);

  options.group("What to show");
  const auto json = options.flag("--json", command.json, "the page as one JSON object");
  const auto shard_for =
      options.list("--shard-for", "KEY", command.shard_for, "the shard and hash key of a key, can be repeated");
  const auto shards =
      options.flag("--shards", command.shards, "all shards, even if there are many").excludes(shard_for);
  const auto consumers = options.flag("--consumers", command.consumers, "consumers, with workers, backlog and its age")
                             .excludes(shard_for);
  const auto consumer = options
                            .value("-c,--consumer", "NAME", command.consumer,
                                   "this one, with owner, checkpoint and backlog of each shard")
                            .excludes(shard_for);
  const auto producers =
      options.flag("--producers", command.producers, "how far each producer has come in its input").excludes(shard_for);
  const auto sizing = options.flag("--sizing", command.sizing, "how many shards and machines the load seen needs")
                          .excludes(shard_for)
                          .excludes(shards)
                          .excludes(consumers)
                          .excludes(consumer)
                          .excludes(producers);
  options
      .value(
          "--for", "LOAD", [&command](const std::string& text) { take_load(command, text); },
          "this load instead, as 5000/s,2MiB/s")
      .needs(sizing);
  const auto verify = options
                          .flag("--verify", command.verify,
                                "read everything and check it: if something is wrong, list it and exit with 65")
                          .excludes(json)
                          .excludes(shard_for)
                          .excludes(consumers)
                          .excludes(consumer)
                          .excludes(producers)
                          .excludes(sizing)
                          .excludes(shards);
  options
      .flag_with_duration(
          "--watch", "2s", [&command](const std::string& text) { take_interval(command, text); },
          "show it again at this interval, until a signal comes (2s)")
      .excludes(shard_for)
      .excludes(verify);
}

}  // namespace shardlog::cli

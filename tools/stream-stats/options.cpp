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

void add_check(StatsCommand& command, const std::string& text) {
  const auto condition = parse_condition(text);
  if (!condition)
    refuse_value("--check", text, "is not a condition: a figure, one of < <= > >= =, and a value, as age<30s");
  command.checks.push_back(*condition);
}

OptionTable::Option define_sizing(OptionTable& options, StatsCommand& command,
                                  const std::vector<OptionTable::Option>& others) {
  const auto sizing = options.flag("--sizing", command.sizing, "how many shards and machines the load seen needs");
  for (const auto& other : others) sizing.excludes(other);
  options
      .value(
          "--for", "LOAD", [&command](const std::string& text) { take_load(command, text); },
          "this load instead, as 5000/s,2MiB/s")
      .needs(sizing);
  return sizing;
}

/// What is printed instead of the page, one of them at a time.
void define_other_forms(OptionTable& options, StatsCommand& command, const std::vector<OptionTable::Option>& parts) {
  const auto check = options.list(
      "--check", "CONDITION", [&command](const std::string& text) { add_check(command, text); },
      "exit with 1 unless it holds, as 'age<30s'; can be repeated");
  const auto prometheus =
      options.flag("--prometheus", command.prometheus, "the figures in the text format of Prometheus");
  const auto history = options.flag("--history", command.history, "a day as a picture");
  const auto html = options.flag("--html", command.html, "the page and a day as an HTML page");
  options.value("--since", "TIME", command.since, "where --history or --html begins");
  OptionTable::exclude_each_other({check, prometheus, history, html});
  for (const auto& form : {check, prometheus, history, html}) {
    for (const auto& part : parts) form.excludes(part);
  }
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
  const auto sizing = define_sizing(options, command, {shard_for, shards, consumers, consumer, producers});
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
  const auto watch = options
                         .flag_with_duration(
                             "--watch", "2s", [&command](const std::string& text) { take_interval(command, text); },
                             "show it again at this interval, until a signal comes (2s)")
                         .excludes(shard_for)
                         .excludes(verify);
  define_other_forms(options, command, {json, shard_for, shards, consumers, producers, sizing, verify, watch});
}

}  // namespace shardlog::cli

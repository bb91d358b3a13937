#include "tools/stream-get/options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <limits>
#include <utility>

#include "tools/common/escapes.h"
#include "tools/common/option_types.h"

namespace shardlog::cli {

namespace {

void add_shards(CLI::App& app, GetCommand& command, const char* group) {
  app.add_option_function<std::vector<std::string>>(
         "--shard",
         [&command](const std::vector<std::string>& ids) {
           for (const std::string& text : ids) {
             const auto id = ShardId::parse(text);
             if (!id) throw CLI::ValidationError("--shard '" + text + "' is no shard: shardId-000000000003, or 3");
             command.shards.push_back(*id);
           }
         },
         "only this shard, can be repeated")
      ->type_name("ID")
      ->allow_extra_args(false)
      ->group(group);
}

void add_sampling(CLI::App& app, GetCommand& command, const char* group) {
  auto* const sample =
      app.add_option_function<std::string>(
             "--sample",
             [&command](const std::string& text) {
               command.sample = parse_percent(text);
               if (!command.sample) {
                 throw CLI::ValidationError("--sample '" + text + "' is no percentage above 0 and up to 100");
               }
             },
             "an even share of them")
          ->type_name("PERCENT")
          ->group(group);
  app.add_option_function<std::string>(
         "--sample-by",
         [&command](const std::string& text) {
           if (text != "record" && text != "key")
             throw CLI::ValidationError("--sample-by '" + text + "' is neither record nor key");
           command.sample_by = text == "key" ? Sampler::By::key : Sampler::By::record;
         },
         "key: all records of a key or none (record)")
      ->type_name("record|key")
      ->needs(sample)
      ->group(group);
}

void add_forms(CLI::App& app, OutputForm& form, const char* group) {
  const auto set = [&form](OutputForm::Kind kind, std::string text) { form = {kind, std::move(text)}; };
  const std::array forms{
      app.add_flag_callback(
          "-0,--null", [set] { set(OutputForm::Kind::delimited, std::string(1, '\0')); },
          "a zero byte behind each record, not a newline"),
      app.add_option_function<std::string>(
             "-d,--delimiter",
             [set](const std::string& text) {
               const auto delimiter = unescape(text);
               if (!delimiter) {
                 throw CLI::ValidationError("--delimiter '" + text + R"(': an escape is \n, \t, \r, \0, \\ or \xHH)");
               }
               set(OutputForm::Kind::delimited, *delimiter);
             },
             "this behind each record, which may be nothing")
          ->type_name("STRING"),
      app.add_flag_callback(
          "--json", [set] { set(OutputForm::Kind::json, {}); },
          "an object a line: shard, sequence, key, hash_key, arrived, data or data_base64"),
      app.add_flag_callback(
          "--frames", [set] { set(OutputForm::Kind::frames, {}); }, "binary, for stream-put --frames: nothing is lost"),
      app.add_option_function<std::string>(
             "--format", [set](const std::string& text) { set(OutputForm::Kind::format, text); },
             "a line with {data}, {data:json}, {data:base64}, {key}, {key:json}, {shard}, {sequence}, {time}, {hash}")
          ->type_name("TEMPLATE")};
  for (CLI::Option* const form_option : forms) {
    form_option->group(group);
    for (CLI::Option* const other : forms) {
      if (other != form_option) form_option->excludes(other);
    }
  }
}

}  // namespace

void define(CLI::App& app, GetCommand& command) {
  add_stream(app, command.stream);

  const char* const what = "What to read";
  add_shards(app, command, what);
  app.add_flag("--descendants", command.descendants, "and the shards that take over from it")
      ->needs("--shard")
      ->group(what);
  app.add_option_function<std::string>(
         "-k,--key", [&command](const std::string& key) { command.key = key; }, "only records of this key")
      ->type_name("KEY")
      ->excludes("--shard")
      ->group(what);
  app.add_option("--from", command.from,
                 "trim-horizon, latest, last:N, at:SEQUENCE, after:SEQUENCE, or a TIME: RFC 3339, @EPOCH, now, or "
                 "relative, as -10m (trim-horizon)")
      ->type_name("POSITION")
      ->group(what);
  app.add_option("--until", command.until, "before which to stop (the end as it was at the start)")
      ->type_name("POSITION")
      ->group(what);
  add_count(
      app, "-n,--count", [&command](std::uint64_t count) { command.count = count; }, 0,
      std::numeric_limits<std::int64_t>::max(), "at most so many records")
      ->group(what);
  add_sampling(app, command, what);
  app.add_flag("--strict", command.strict, "fail where records that were asked for are trimmed, and stop at a gap")
      ->group(what);

  const char* const following = "Following";
  auto* const follow = app.add_flag("-f,--follow", command.follow, "go on with what comes in")->group(following);
  app.add_option_function<std::string>(
         "--idle-exit",
         [&command](const std::string& text) { command.idle_exit = duration_or_throw("--idle-exit", text); },
         "end when nothing came in for so long")
      ->type_name("DURATION")
      ->needs(follow)
      ->group(following);
  app.add_option_function<std::string>(
         "--poll",
         [&command](const std::string& text) {
           command.poll = duration_or_throw("--poll", text);
           if (command.poll == Duration(0)) throw CLI::ValidationError("--poll 0 would never rest");
         },
         "look at this interval only, instead of being woken")
      ->type_name("DURATION")
      ->needs(follow)
      ->group(following);

  const char* const output = "Output";
  add_forms(app, command.form, output);
  app.add_option_function<std::string>(
         "--replay",
         [&command](const std::string& text) {
           command.replay = parse_speed(text);
           if (!command.replay)
             throw CLI::ValidationError("--replay '" + text + "' is no speed: a number above 0, as 1x, 10x or 0.5x");
         },
         "keep the recorded pace, so many times as fast: 1x, 10x, 0.5x")
      ->type_name("SPEED")
      ->group(output);
}

}  // namespace shardlog::cli

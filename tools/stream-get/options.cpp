#include "tools/stream-get/options.h"

#include <CLI/CLI.hpp>
#include <limits>

#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, GetCommand& command) {
  add_stream(app, command.stream);

  const char* const what = "What to read";
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
      ->group(what);
  app.add_flag("--descendants", command.descendants, "and the shards that take over from it")
      ->needs("--shard")
      ->group(what);
  app.add_option("--from", command.from,
                 "trim-horizon, latest, or a TIME: RFC 3339, @EPOCH, now, or relative, as -10m (trim-horizon)")
      ->type_name("POSITION")
      ->group(what);
  app.add_option("--until", command.until, "before which to stop (the end as it was at the start)")
      ->type_name("POSITION")
      ->group(what);
  add_count(
      app, "-n,--count", [&command](std::uint64_t count) { command.count = count; }, 0,
      std::numeric_limits<std::int64_t>::max(), "at most so many records")
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
  app.add_flag_callback(
         "--json", [&command] { command.form = OutputForm::json; },
         "an object a line: shard, sequence, key, hash_key, arrived, data or data_base64")
      ->group(output);
}

}  // namespace shardlog::cli

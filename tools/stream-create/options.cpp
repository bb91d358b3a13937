#include "tools/stream-create/options.h"

#include <CLI/CLI.hpp>

#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, CreateCommand& command) {
  add_stream(app, command.stream);
  const char* const settings = "Settings";
  const auto set_shards = [&command](std::uint64_t count) {
    command.shards = static_cast<std::uint32_t>(count);
    command.shards_given = true;
  };
  add_count(app, "-s,--shards", set_shards, 1, max_shards, "how many shards, 1 to 10000 (1)")->group(settings);
  add_size(app, "--max-record-size", command.max_record_size,
           "data and key of the largest record, 1KiB to 10MiB (1MiB)")
      ->group(settings)
      ->each([&command](const std::string&) { command.max_record_size_given = true; });
  const auto set_retention = [&command](const std::string& text) {
    command.retention = text == "forever" ? forever : duration_or_throw("--retention", text);
    command.retention_given = true;
  };
  app.add_option_function<std::string>("--retention", set_retention,
                                       "how long after its arrival a record can be read (forever)")
      ->type_name("DURATION|forever")
      ->group(settings);
  add_list(app, "--tag", command.tags, "a note of your own, can be repeated; with --update, KEY= removes it")
      ->type_name("KEY=VALUE")
      ->group(settings);
  const char* const creation = "Creation";
  app.add_option("--group", command.group, "share the stream with a group of users")
      ->type_name("NAME")
      ->group(creation);
  auto* const if_missing =
      app.add_flag("--if-missing", command.if_missing, "succeed when the stream is there")->group(creation);
  auto* const update = app.add_flag("--update", command.update, "change the given settings of a stream that is there")
                           ->group(creation)
                           ->excludes(if_missing);
  app.add_flag("--repair-clock", command.repair_clock,
               "with --update: bring arrivals that are in the future back to now")
      ->group(creation)
      ->needs(update);
  app.add_flag("--force", command.force, "where SQLite's WAL is not safe, too")->group(creation);
}

}  // namespace shardlog::cli

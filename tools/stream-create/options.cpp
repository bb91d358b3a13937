#include "tools/stream-create/options.h"

#include "shardlog/core/nearest.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

using Options = std::vector<OptionTable::Option>;

/// Returns --untag.
OptionTable::Option define_settings(OptionTable& options, CreateCommand& command, Options& all) {
  options.group("Settings");
  all.push_back(options.count(
      "-s,--shards", 1, max_shards,
      [&command](std::uint64_t count) { command.shards = static_cast<std::uint32_t>(count); },
      "how many shards, 1 to 10000 (1)"));
  all.push_back(options.size("--max-record-size", command.max_record_size,
                             "data and key of the largest record, 1KiB to 10MiB (1MiB)"));
  all.push_back(options.value(
      "--retention", "DURATION|forever",
      [&command](const std::string& text) {
        command.retention = text == "forever" ? forever : duration_of("--retention", text);
      },
      "how long after its arrival a record can be read (forever)"));
  all.push_back(options.value(
      "--compression", "none|lz4|zstd",
      [&command](const std::string& text) {
        command.compression = parse_compression(text);
        if (!command.compression)
          refuse_value("--compression", text,
                       "is neither none, lz4 nor zstd" + did_you_mean(text, {"none", "lz4", "zstd"}));
      },
      "how records are made smaller, batch by batch, where that helps (zstd)"));
  all.push_back(options.list("--tag", "KEY=VALUE", command.tags, "a note of your own, can be repeated"));
  all.push_back(options.list("--untag", "KEY", command.untags, "with --update: remove a tag, can be repeated"));
  return all.back();
}

/// Returns --update.
OptionTable::Option define_creation(OptionTable& options, CreateCommand& command, Options& all) {
  options.group("Creation");
  all.push_back(options.value("--group", "NAME", command.group, "share the stream with a group of users"));
  all.push_back(options.flag("--if-missing", command.if_missing,
                             "succeed when the stream is there, and say what is not as asked"));
  const auto update =
      options.flag("--update", command.update,
                   "change the given settings of a stream that is there; with --if-missing, or create it");
  const auto repair_clock = options.flag("--repair-clock", command.repair_clock,
                                         "with --update: bring arrivals that are in the future back to now");
  const auto accept_loss =
      options.flag("--accept-loss", command.accept_loss,
                   "with --update: go on without records that are missing at the end of a damaged stream");
  for (auto option : {repair_clock, accept_loss}) option.needs(update);
  all.insert(all.end(), {update, repair_clock, accept_loss});
  all.push_back(options.flag("--force", command.force, "where SQLite's WAL is not safe, too"));
  return update;
}

}  // namespace

void define(OptionTable& options, CreateCommand& command) {
  options.argument("STREAM", command.stream);
  Options others;
  const auto untag = define_settings(options, command, others);
  untag.needs(define_creation(options, command, others));
  options.group("Removal");
  const auto remove = options.flag("--remove", command.remove, "delete the stream and all its records");
  for (const auto& other : others) remove.excludes(other);
}

}  // namespace shardlog::cli

#include "tools/stream-create/options.h"

#include "shardlog/core/nearest.h"
#include "tools/common/units.h"

namespace shardlog::cli {

void define(OptionTable& options, CreateCommand& command) {
  options.argument("STREAM", command.stream);

  options.group("Settings");
  options.count(
      "-s,--shards", 1, max_shards,
      [&command](std::uint64_t count) { command.shards = static_cast<std::uint32_t>(count); },
      "how many shards, 1 to 10000 (1)");
  options.size("--max-record-size", command.max_record_size,
               "data and key of the largest record, 1KiB to 10MiB (1MiB)");
  options.value(
      "--retention", "DURATION|forever",
      [&command](const std::string& text) {
        command.retention = text == "forever" ? forever : duration_of("--retention", text);
      },
      "how long after its arrival a record can be read (forever)");
  options.value(
      "--compression", "none|lz4|zstd",
      [&command](const std::string& text) {
        command.compression = parse_compression(text);
        if (!command.compression)
          refuse_value("--compression", text,
                       "is neither none, lz4 nor zstd" + did_you_mean(text, {"none", "lz4", "zstd"}));
      },
      "how records are made smaller, batch by batch, where that helps (zstd)");
  options.list("--tag", "KEY=VALUE", command.tags,
               "a note of your own, can be repeated; with --update, KEY= removes it");

  options.group("Creation");
  options.value("--group", "NAME", command.group, "share the stream with a group of users");
  options.flag("--if-missing", command.if_missing, "succeed when the stream is there, and say what is not as asked");
  const auto update =
      options.flag("--update", command.update,
                   "change the given settings of a stream that is there; with --if-missing, or create it");
  options
      .flag("--repair-clock", command.repair_clock, "with --update: bring arrivals that are in the future back to now")
      .needs(update);
  options
      .flag("--accept-loss", command.accept_loss,
            "with --update: go on without records that are missing at the end of a damaged stream")
      .needs(update);
  options.flag("--force", command.force, "where SQLite's WAL is not safe, too");
}

}  // namespace shardlog::cli

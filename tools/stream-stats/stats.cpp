#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "shardlog/core/utf8.h"
#include "tools/common/json_text.h"
#include "tools/common/option_types.h"
#include "tools/common/units.h"
#include "tools/stream-stats/options.h"
#include "tools/stream-stats/page.h"

namespace shardlog::cli {

namespace {

/// A line for each shard that has or had the key, the oldest first: key, shard, hash key, and whether it is closed.
void show_shards(const StatsCommand& command, const ShardMap& map, Output& output) {
  for (const std::string& key : command.shard_for) {
    check_key(key, "--shard-for");
    const HashKey hash_key = HashKey::of(key);
    for (const Shard& shard : map.shards()) {
      if (!shard.range.contains(hash_key)) continue;
      if (command.json) {
        std::string line = R"({"key":)";
        append_json_string(line, key);
        output.write(line +
                     fmt::format(R"(,"shard":"{}","hash_key":"{}","open":{}}})", shard.id.to_string(),
                                 hash_key.to_string(), shard.open()) +
                     "\n");
      } else {
        output.write(fmt::format("{}\t{}\t{}{}\n", output.is_terminal() ? printable(key) : key, shard.id.to_string(),
                                 hash_key.to_string(), shard.open() ? "" : "\tclosed"));
      }
    }
  }
}

ExitStatus verify(Stream& stream, const Context& context) {
  const bool show_progress = ::isatty(STDERR_FILENO) != 0 && !context.quiet;
  int shown = -1;
  const VerifyReport report = stream.verify([&](double done) {
    const int percent = static_cast<int>(done * 100);
    if (show_progress && percent != shown) fmt::print(stderr, "\r{} %", percent);
    shown = percent;
    return !context.stop.stop_requested();
  });
  if (show_progress && shown >= 0) fmt::print(stderr, "\r\x1b[K");
  if (context.stop.stop_requested()) return ExitStatus::partly;
  for (const std::string& finding : report.findings) context.output.write(finding + "\n");
  if (!report.findings.empty()) return ExitStatus::data;
  context.output.write(fmt::format("{} in {}: all as they were written\n", format_count(report.records, "record"),
                                   format_count(report.batches, "batch", "batches")));
  return ExitStatus::success;
}

}  // namespace

ExitStatus run_stats(const StatsCommand& command, const Context& context) {
  const auto stream = open(address_of(command.stream), context.open_options(Access::read), context.clock);
  if (command.verify) return verify(*stream, context);
  if (!command.shard_for.empty()) {
    show_shards(command, stream->describe().map, context.output);
    return ExitStatus::success;
  }
  const StreamStatistics statistics = stream->statistics();
  context.output.write(command.json ? format_json(command.stream, statistics)
                                    : format_page(command.stream, statistics));
  return ExitStatus::success;
}

}  // namespace shardlog::cli

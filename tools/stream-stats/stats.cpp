#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "shardlog/core/either_stop.h"
#include "shardlog/core/utf8.h"
#include "tools/common/json_text.h"
#include "tools/common/option_table.h"
#include "tools/common/output_reader.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/options.h"
#include "tools/stream-stats/page.h"

namespace shardlog::cli {

namespace {

bool wants_sections(const StatsCommand& command) {
  return command.consumers || command.consumer || command.producers;
}

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

Page page_of(const std::string& address, const std::optional<std::string>& consumer, const Context& context) {
  const auto stream = open(address, context.open_options(Access::read), context.clock);
  // In this order: what is read later is at least as new, so shards of a lease are always in the page's shard map.
  auto consumers = consumer_statistics(*stream, consumer);
  auto producers = stream->producers();
  return {stream->statistics(Detail::all), std::move(consumers), std::move(producers), context.clock.now()};
}

/// All streams of a directory. One that cannot be read is told, and the others are shown.
ExitStatus show_list(const std::string& directory, bool json, const Context& context) {
  std::vector<std::pair<std::string, Page>> streams;
  ExitStatus status = ExitStatus::success;
  for (const std::string& address : list_streams(directory)) {
    try {
      streams.emplace_back(address.substr(address.rfind('/') + 1), page_of(address, std::nullopt, context));
    } catch (const Error& error) {
      context.message(error.what());
      status = ExitStatus::partly;
    }
  }
  if (!json) context.output.write(format_list(streams));
  for (const auto& [name, page] : streams) {
    if (json) context.output.write(format_json(name, page));
  }
  return status;
}

/// Those who read the stream together, and those who put into it exactly once, without the page.
void show_sections(const StatsCommand& command, const Context& context) {
  const auto stream = open(address_of(*command.stream), context.open_options(Access::read), context.clock);
  std::string text;
  if (command.consumers || command.consumer) {
    text = format_consumers(consumer_statistics(*stream, command.consumer), context.clock.now());
  }
  if (command.producers) {
    const std::string producers = format_producers(stream->producers());
    if (!text.empty() && !producers.empty()) text += '\n';
    text += producers;
  }
  context.output.write(text);
}

ExitStatus show(const StatsCommand& command, const Context& context) {
  if (!command.stream) return show_list(*stream_directory(), command.json, context);
  if (command.json) {
    context.output.write(format_json(*command.stream, page_of(address_of(*command.stream), command.consumer, context)));
  } else if (wants_sections(command)) {
    show_sections(command, context);
  } else {
    context.output.write(format_page(*command.stream, page_of(address_of(*command.stream), std::nullopt, context)));
  }
  return ExitStatus::success;
}

/// False where it was asked to end meanwhile.
bool wait_for(Duration interval, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  return !never.wait_for(lock, stop, interval, [&stop] { return stop.stop_requested(); });
}

/// On a terminal each page takes the place of the one before.
ExitStatus watch(const StatsCommand& command, const Context& context) {
  const auto interval = parse_duration(command.watch);
  if (!interval || *interval == Duration(0)) {
    throw Error(ErrorCode::usage,
                "--watch " + quote(command.watch) + " is no interval: a number above 0 and us, ms, s, m, h, d or w");
  }
  const bool redraw = context.output.is_terminal() && !command.json;
  ExitStatus status = ExitStatus::success;
  bool first = true;
  const ReaderWatch reader;
  const EitherStop end(context.stop, reader.gone());
  do {
    if (redraw) context.output.write("\x1b[H\x1b[J");
    if (!redraw && !command.json && !first) context.output.write("\n");
    first = false;
    status = show(command, context);
    context.output.flush();
  } while (wait_for(*interval, end.token()));
  if (reader.gone().stop_requested() && !context.stop.stop_requested()) die_of(SIGPIPE);
  return status;
}

void check_stream(const StatsCommand& command) {
  if (command.stream) return;
  if (command.verify || !command.shard_for.empty() || wants_sections(command)) {
    throw Error(ErrorCode::usage, "which stream? --verify, --shard-for, --consumers, -c and --producers want a STREAM");
  }
  if (!stream_directory()) {
    throw Error(ErrorCode::usage, "which stream? Without STREAM all below $STREAM_DIR are listed, and that is not set");
  }
}

}  // namespace

ExitStatus run_stats(const StatsCommand& command, const Context& context) {
  check_stream(command);
  if (!command.watch.empty()) return watch(command, context);
  if (!command.verify && command.shard_for.empty()) return show(command, context);
  const auto stream = open(address_of(*command.stream), context.open_options(Access::read), context.clock);
  if (command.verify) return verify(*stream, context);
  show_shards(command, stream->describe().map, context.output);
  return ExitStatus::success;
}

}  // namespace shardlog::cli

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "shardlog/core/threads.h"
#include "tools/common/json_text.h"
#include "tools/common/open_stream.h"
#include "tools/common/option_table.h"
#include "tools/common/output.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/options.h"
#include "tools/stream-stats/page.h"
#include "tools/stream-stats/screen.h"
#include "tools/stream-stats/sizing_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

bool wants_sections(const StatsCommand& command) {
  return command.consumers || command.consumer || command.producers;
}

/// A line for each shard that has or had one of the keys, the oldest first: key, shard, hash key, and whether it is
/// closed.
void show_shards(const StatsCommand& command, const ShardMap& map, Output& output) {
  for (const std::string& key : command.shard_for) {
    check_key(key, "--shard-for");
    const HashKey hash_key = HashKey::of(key);
    for (const Shard& shard : map.shards()) {
      if (!shard.range.contains(hash_key)) continue;
      if (command.json) {
        output.write(json_object({{"key", json(key)},
                                  {"shard", json(shard.id)},
                                  {"hash_key", json(hash_key)},
                                  {"open", json(shard.open())}}) +
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
  VerifyReport report = stream.maintenance().verify([&](double done) {
    const int percent = static_cast<int>(done * 100);
    if (show_progress && percent != shown) fmt::print(stderr, "\r{} %", percent);
    shown = percent;
    return !context.stop.stop_requested();
  });
  if (show_progress && shown >= 0) fmt::print(stderr, "\r\x1b[K");
  if (context.stop.stop_requested()) return ExitStatus::partly;
  if (report.findings.empty()) report.findings = consuming::check_consumers(stream);
  for (const std::string& finding : report.findings) context.output.write(finding + "\n");
  for (const Loss& loss : report.losses) context.output.write("note: lost " + loss_text(loss) + "\n");
  for (const std::string& part : report.unused) {
    context.output.write("note: the stream does not use " + part + "; a later writer gives that space back\n");
  }
  if (!report.findings.empty()) return ExitStatus::data;
  context.output.write(fmt::format("{} in {}: all as they were written\n", format_count(report.records, "record"),
                                   format_count(report.batches, "batch", "batches")));
  return ExitStatus::success;
}

Page page_of(const std::string& address, const std::optional<std::string>& consumer, Trends& trends,
             const Context& context) {
  const auto stream = open_stream(address, Access::read, context);
  // In this order: what is read later is at least as new, so the page's shard map has the shards of all leases.
  auto consumers = consumer_statistics(*stream, consumer);
  trends.look(address, consumers, context.clock.elapsed());
  auto producers = stream->producers().all();
  StreamStatistics statistics = stream->maintenance().statistics(Detail::all);
  const Timestamp now = context.clock.now();
  const capacity::Limits limits = statistics.description.settings.limits;
  return {std::move(statistics),
          std::move(consumers),
          std::move(producers),
          now,
          arrivals_before(now, stream->maintenance()),
          limits};
}

/// A text to write, and the exit status that goes with it.
struct Shown {
  std::string text;
  ExitStatus status = ExitStatus::success;
};

/// All streams of a directory. A message names each that cannot be read, and the others are shown.
Shown show_list(const std::string& directory, bool json, const Screen& screen, Trends& trends, const Context& context) {
  Shown shown;
  std::vector<std::pair<std::string, Page>> streams;
  for (const std::string& address : list_streams(directory)) {
    try {
      streams.emplace_back(address.substr(address.rfind('/') + 1), page_of(address, std::nullopt, trends, context));
    } catch (const Error& error) {
      context.message(error.what());
      shown.status = ExitStatus::partly;
    }
  }
  if (streams.empty() && shown.status == ExitStatus::success) {
    context.warn(fmt::format("no streams in {}: stream-create NAME makes one", quote(directory)));
  }
  if (!json) shown.text = format_list(streams, screen);
  for (const auto& [name, page] : streams) shown.text += json ? format_json(name, page) : "";
  return shown;
}

/// Consumers and producers without the page.
std::string sections_of(const StatsCommand& command, const Screen& screen, Trends& trends, const Context& context) {
  const std::string address = address_of(*command.stream);
  const auto stream = open_stream(address, Access::read, context);
  std::string text;
  if (command.consumers || command.consumer) {
    auto consumers = consumer_statistics(*stream, command.consumer);
    trends.look(address, consumers, context.clock.elapsed());
    const Timestamp now = context.clock.now();
    text = command.consumer ? format_consumer(consumers.front(), now, screen.width)
                            : format_consumers(consumers, now, screen.width);
  }
  if (!command.producers) return text;
  if (!text.empty()) text += "\n";
  return text + format_producers(stream->producers().all(), screen.width);
}

Shown show(const StatsCommand& command, const Screen& screen, Trends& trends, const Context& context) {
  if (!command.stream) return show_list(stream_directory().value_or("."), command.json, screen, trends, context);
  if (wants_sections(command) && !command.json) return {sections_of(command, screen, trends, context)};
  const std::string name = shown_name(*command.stream);
  const Page page = page_of(address_of(*command.stream), command.consumer, trends, context);
  if (command.sizing && command.json) return {json_sizing(name, page, command.load)};
  if (command.sizing) return {format_sizing(page, command.load, screen.width)};
  return {command.json ? format_json(name, page) : format_page(name, page, screen, command.shards)};
}

/// Waits until the interval is over or the size of the screen changes. False if it was asked to end.
bool wait_for(Duration interval, const Screen& screen, const std::stop_token& stop, const Clock& clock) {
  constexpr Duration look_at_size = std::chrono::milliseconds(100);
  const bool may_change = screen.height.has_value();
  const Duration end = clock.elapsed() + interval;
  while (!stop.stop_requested()) {
    const Duration left = end - clock.elapsed();
    if (left <= Duration(0) || (may_change && screen_of_output() != screen)) return true;
    sleep_for(may_change ? std::min(left, look_at_size) : left, stop);
  }
  return false;
}

/// As much of a page as fits the screen, to be drawn over the page before it. Each line ends by clearing what was
/// there: a screen that is cleared as a whole flickers.
std::string drawn_over(const std::string& page, const Screen& screen) {
  std::string drawn = "\x1b[H";
  for (const char c : cut_to_height(page, screen)) drawn += c == '\n' ? "\x1b[K\n" : std::string(1, c);
  return drawn + "\x1b[J";
}

/// On a terminal each page takes the place of the one before; elsewhere an empty line stands between them.
ExitStatus watch(const StatsCommand& command, const Context& context) {
  const bool in_place = context.output.is_terminal() && !command.json;
  std::string between;
  Shown shown;
  Screen screen;
  Trends trends;
  const ReaderWatch reader;
  const EitherStop end(context.stop, reader.gone());
  do {
    screen = screen_of_output();
    shown = show(command, screen, trends, context);
    context.output.write(in_place ? drawn_over(shown.text, screen) : between + shown.text);
    context.output.flush();
    if (!command.json) between = "\n";
  } while (wait_for(*command.watch, screen, end.token(), context.clock));
  if (reader.gone().stop_requested() && !context.stop.stop_requested()) die_of(SIGPIPE);
  return shown.status;
}

void check_stream(const StatsCommand& command) {
  if (command.stream) return;
  if (command.verify || command.sizing || !command.shard_for.empty() || wants_sections(command)) {
    throw Error(ErrorCode::usage,
                "which stream? --verify, --sizing, --shard-for, --consumers, -c and --producers want a STREAM");
  }
}

}  // namespace

ExitStatus run_stats(const StatsCommand& command, const Context& context) {
  check_stream(command);
  if (command.watch) return watch(command, context);
  Trends none;
  if (!command.verify && command.shard_for.empty()) {
    const Shown shown = show(command, screen_of_output(), none, context);
    context.output.write(shown.text);
    return shown.status;
  }
  const auto stream = open_stream(address_of(*command.stream), Access::read, context);
  if (command.verify) return verify(*stream, context);
  show_shards(command, stream->describe().map, context.output);
  return ExitStatus::success;
}

}  // namespace shardlog::cli

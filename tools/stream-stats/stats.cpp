#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "tools/common/json_text.h"
#include "tools/common/open_stream.h"
#include "tools/common/option_table.h"
#include "tools/common/output.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/check.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/figures_json.h"
#include "tools/stream-stats/history_page.h"
#include "tools/stream-stats/html.h"
#include "tools/stream-stats/options.h"
#include "tools/stream-stats/page.h"
#include "tools/stream-stats/prometheus.h"
#include "tools/stream-stats/screen.h"
#include "tools/stream-stats/sizing_page.h"
#include "tools/stream-stats/text.h"
#include "tools/stream-stats/watch.h"

namespace shardlog::cli {

namespace {

/// Some tables instead of the page.
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

/// A text to write, and the exit status that goes with it.
struct Shown {
  std::string text;
  ExitStatus status = ExitStatus::success;
};

/// A stream as it is now.
Figures figures_at(const std::string& address, const std::string& name, const std::optional<std::string>& consumer,
                   Trends& trends, const Context& context) {
  const auto stream = open_stream(address, Access::read, context);
  return figures_of(*stream, {address, name, consumer}, trends, context.clock);
}

/// All streams of a directory. A message names each that cannot be read, and the others are shown.
Shown show_list(const StatsCommand& command, const Screen& screen, Trends& trends, const Context& context) {
  const std::string directory = command.servers ? *command.servers : stream_directory().value_or(".");
  Shown shown;
  std::vector<Figures> streams;
  for (const std::string& address : shardlog::list_streams(with_servers(directory))) {
    try {
      streams.push_back(figures_at(address, name_in(address), std::nullopt, trends, context));
    } catch (const Error& error) {
      context.message(error.what());
      shown.status = ExitStatus::partly;
    }
  }
  if (streams.empty() && shown.status == ExitStatus::success) {
    context.warn(fmt::format("no streams in {}: stream-create NAME makes one", quote(shown_name(directory))));
  }
  if (command.prometheus) return {format_prometheus(streams), shown.status};
  if (!command.json) return {format_list(streams, screen), shown.status};
  for (const Figures& each : streams) shown.text += format_json(each);
  return shown;
}

/// Consumers and producers without the page.
std::string sections_of(const StatsCommand& command, const Figures& figures, const Screen& screen) {
  std::string text;
  if (command.consumer) text = format_consumer(figures.consumers.front(), screen);
  if (command.consumers && !command.consumer) text = format_consumers(figures, screen);
  if (!command.producers) return text;
  if (!text.empty()) text += "\n";
  return text + format_producers(figures.producers, screen.width);
}

/// Throws usage.
Timestamp time_since(const std::optional<std::string>& since, Timestamp now) {
  constexpr auto longest = std::chrono::days(31);  // metrics.h: a stream remembers a month
  if (!since) return now - std::chrono::days(1);
  const auto time = parse_time(*since, now);
  if (!time) refuse_value("--since", *since, "is not a time: 6h, yesterday, 14:30 or 2026-01-31T14:30");
  if (*time >= now) refuse_value("--since", *since, "is not in the past");
  return std::max(*time, now - longest);
}

Shown show_history(const StatsCommand& command, const Screen& screen, Trends& trends, const Context& context) {
  constexpr std::size_t steps_in_html = 240;
  const std::string address = address_of(*command.stream);
  const auto stream = open_stream(address, Access::read, context);
  const Figures figures =
      figures_of(*stream, {address, shown_name(*command.stream), command.consumer}, trends, context.clock);
  const Timestamp from = time_since(command.since, figures.now);
  const std::size_t steps = command.html ? steps_in_html : steps_on(screen);
  std::map<std::string, std::string> consumers;
  for (const ConsumerFigures& each : figures.consumers) {
    consumers.emplace(each.statistics.consumer.uuid, each.statistics.consumer.name);
  }
  const auto periods = measured(*stream, start_of_history(from, figures.now, steps), figures.now);
  const History history = history_of(periods, from, figures.now, steps, consumers);
  return {command.html ? format_html(figures, history) : format_history(figures.name, history, screen)};
}

/// Prints what does not hold.
ExitStatus check(const StatsCommand& command, const Context& context) {
  Trends none;
  const Figures figures =
      figures_at(address_of(*command.stream), shown_name(*command.stream), command.consumer, none, context);
  const auto broken =
      broken_conditions(command.checks, figures, command.consumer ? &figures.consumers.front() : nullptr);
  for (const std::string& each : broken) context.output.write(each + "\n");
  return broken.empty() ? ExitStatus::success : ExitStatus::partly;
}

Shown show(const StatsCommand& command, const View& view, Trends& trends, const Context& context) {
  if (!command.stream) return show_list(command, view.screen, trends, context);
  if (command.history || command.html) return show_history(command, view.screen, trends, context);
  const Figures figures =
      figures_at(address_of(*command.stream), shown_name(*command.stream), command.consumer, trends, context);
  if (command.sizing && command.json) return {json_sizing(figures, command.load)};
  if (command.sizing) return {format_sizing(figures, command.load, view.screen.width)};
  if (command.json) return {format_json(figures)};
  if (command.prometheus) return {format_prometheus({figures})};
  return {wants_sections(command) ? sections_of(command, figures, view.screen) : format_page(figures, view)};
}

View view_of(const StatsCommand& command, const Screen& screen, const Context& context) {
  return {screen, command.shards, context.verbose};
}

ExitStatus watch_stream(const StatsCommand& command, const Context& context) {
  Trends trends;
  ExitStatus status = ExitStatus::success;
  const auto draw = [&](const Screen& screen, View::Part part) {
    View view = view_of(command, screen, context);
    view.part = part;
    const Shown shown = show(command, view, trends, context);
    status = shown.status;
    return shown.text;
  };
  const bool has_parts = command.stream && !command.sizing && !wants_sections(command);
  watch({*command.watch, command.json, has_parts}, draw, context);
  return status;
}

void check_stream(const StatsCommand& command) {
  if (command.stream) return;
  const bool of_one = command.verify || command.sizing || command.history || command.html || !command.checks.empty();
  if (of_one || !command.shard_for.empty() || wants_sections(command)) {
    throw Error(ErrorCode::usage, "which stream? Only --json, --prometheus and --watch show all of a directory");
  }
}

}  // namespace

ExitStatus run_stats(StatsCommand command, const Context& context) {
  if (command.stream && is_of_servers(*command.stream) && name_in(*command.stream).empty()) {
    command.servers = std::exchange(command.stream, std::nullopt);
  }
  check_stream(command);
  if (command.since && !command.history && !command.html) {
    throw Error(ErrorCode::usage, "--since needs --history or --html");
  }
  if (!command.checks.empty()) return check(command, context);
  if (command.watch) return watch_stream(command, context);
  if (!command.verify && command.shard_for.empty()) {
    Trends none;
    Screen screen = screen_of_output();
    screen.height.reset();
    const Shown shown = show(command, view_of(command, screen, context), none, context);
    context.output.write(shown.text);
    return shown.status;
  }
  const auto stream = open_stream(address_of(*command.stream), Access::read, context);
  if (command.verify) return verify(*stream, context);
  show_shards(command, stream->describe().map, context.output);
  return ExitStatus::success;
}

}  // namespace shardlog::cli

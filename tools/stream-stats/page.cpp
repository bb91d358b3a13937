#include "tools/stream-stats/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/printable.h"
#include "shardlog/core/utf8.h"
#include "tools/common/open_stream.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/latency_page.h"
#include "tools/stream-stats/plot.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/shard_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

constexpr std::size_t label = 11;  // columns in front of what a line says

std::string fitting(const std::string& text, const Screen& screen) {
  return shortened(text, screen.width - label);
}

std::string retention_text(const StreamSettings& settings) {
  const std::string time = settings.retention == forever ? "forever" : duration_text(settings.retention);
  const std::string until = settings.retention == forever ? "until consumed" : "until consumed, at most " + time;
  return settings.until_consumed ? until : time;
}

/// "1,000 records and 1 MiB/s in"; reading is on a line of its own. Empty if there are no limits.
std::vector<std::string> limit_lines(const capacity::Limits& limits) {
  std::vector<std::string> lines;
  const auto add = [&lines](const std::optional<std::string>& one, const std::optional<std::string>& other,
                            const char* end) {
    if (!one && !other) return;
    lines.push_back(one.value_or("") + (one && other ? " and " : "") + other.value_or("") + end);
  };
  const auto count = [](const std::optional<std::uint64_t>& limit, const char* noun) {
    return limit ? std::optional(format_count(*limit, noun)) : std::nullopt;
  };
  const auto size = [](const std::optional<std::uint64_t>& limit) {
    return limit ? std::optional(format_size(*limit)) : std::nullopt;
  };
  add(count(limits.write_records, "record"), size(limits.write_bytes), "/s in");
  add(size(limits.read_bytes), count(limits.read_calls, "read"), "/s out");
  return lines;
}

/// "1.5 MiB of 64 MiB, 2 %; when it is full, writers wait"
std::string bound_text(const StreamSettings& settings, const std::optional<std::uint64_t>& bytes) {
  const auto then = [&]() -> std::string_view {
    switch (settings.when_full) {
      case WhenFull::block:
        return "writers wait";
      case WhenFull::trim:
        return "the oldest records go";
      case WhenFull::reject:
        return "writers fail";
    }
    return "";
  };
  const double share = 100 * static_cast<double>(bytes.value_or(0)) / static_cast<double>(settings.max_bytes);
  return fmt::format("{} of {}, {:.0f} %; when it is full, {}", size_text(bytes), format_size(settings.max_bytes),
                     share, then());
}

/// Words under each other, the second line and those after it indented.
std::string wrapped(std::string_view text, std::size_t width) {
  constexpr std::size_t indent = 2;
  std::string result;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (!line.empty() && utf8_length(line).value_or(line.size()) + 1 + end - at > width) {
      result += line + "\n";
      line = std::string(indent - 1, ' ');
    }
    if (at > 0) line += ' ';
    line += text.substr(at, end - at);
    at = end + 1;
  }
  return result + line + "\n";
}

/// "orders  4 shards open, kept 7d, zstd: 12,301,442 records, 1.4 GiB in 310 MiB"; then what is special about the
/// stream.
std::string format_head(const Figures& figures, const Screen& screen) {
  constexpr std::size_t for_others = 20;
  const StreamDescription& stream = figures.statistics.description;
  const Totals totals = totals_of(figures.statistics);
  const std::size_t open = stream.map.open_shards().size();
  const std::size_t closed = stream.map.shards().size() - open;
  std::string head = fmt::format(
      "{}  {} open{}{}, kept {}, {}: {}, {} in {}", shortened(printable(figures.name), screen.width - for_others),
      format_count(open, "shard"), closed == 0 ? "" : fmt::format(", {} closed", format_count(closed)),
      stream.settings.mode == Mode::on_demand ? ", on-demand" : "", retention_text(stream.settings),
      to_string(stream.settings.compression), count_text(totals.records, "record"), size_text(totals.bytes),
      size_text(figures.statistics.stored_bytes));
  std::string text = wrapped(head, screen.width);
  if (stream.settings.max_bytes != unbounded) {
    text += fmt::format("bound      {}\n", fitting(bound_text(stream.settings, totals.bytes), screen));
  }
  for (const Loss& loss : stream.losses) {
    text += fmt::format("lost       {}\n", alarming(fitting(loss_text(loss), screen), screen));
  }
  return text;
}

/// What a person seldom looks for: settings, whole times, ids.
std::string format_details(const Figures& figures, const Screen& screen) {
  const StreamDescription& stream = figures.statistics.description;
  const Totals totals = totals_of(figures.statistics);
  std::string text;
  const auto add = [&](const char* name, const std::string& what) {
    text += fmt::format("{:{}}{}\n", name, label, fitting(what, screen));
  };
  add("record", fmt::format("at most {}, compression {}", format_size(stream.settings.max_record_size),
                            to_string(stream.settings.compression)));
  add("stored", fmt::format("survives {}", survived(figures.survives)));
  const auto trimmed = totals.trimmed_records.value_or(0);
  add("retention", retention_text(stream.settings) +
                       (trimmed > 0 ? fmt::format(", {} trimmed", format_count(trimmed, "record")) : ""));
  const char* heading = "limits";
  for (const std::string& limits : limit_lines(stream.settings.limits)) {
    add(heading, "each shard " + limits);
    heading = "";
  }
  if (totals.first) add("first", to_local_rfc3339(*totals.first));
  if (totals.last) add("last", to_local_rfc3339(*totals.last));
  for (const auto& [key, value] : stream.settings.tags) add("tag", printable(key) + "=" + printable(value));
  add("created", to_local_rfc3339(stream.created_at));
  add("uuid", printable(stream.uuid));
  return text;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// How many lines the tables of shards and of consumers may have, below their headings.
struct Room {
  std::size_t shards = SIZE_MAX;
  std::size_t consumers = SIZE_MAX;
};

/// Consumers get what they need up to a third, because they say more about what is wrong; shards get the rest.
Room share_out(std::size_t lines, std::size_t consumers) {
  constexpr std::size_t least = 2;
  const std::size_t for_consumers = std::min(std::max<std::size_t>(consumers, 1), std::max(lines / 3, least));
  return {std::max(lines - std::min(lines, for_consumers), least), for_consumers};
}

std::string format_overview(const Figures& figures, const View& view) {
  const Screen& screen = view.screen;
  const std::string head = format_head(figures, screen) + "\n" + format_rates(figures.traffic, screen) + "\n" +
                           format_latencies(figures.traffic, screen) + "\n";
  constexpr std::size_t headings_and_gaps = 4;  // and the line that the cursor takes
  Room room;
  if (screen.height) {
    const std::size_t used = std::min(lines_in(head) + headings_and_gaps, *screen.height);
    room = share_out(*screen.height - used, figures.consumers.size());
  }
  const ShardList list{view.all_shards, screen.height ? std::optional(room.shards) : std::nullopt};
  return head + format_shards(figures, screen, list) + "\n" + format_consumers(figures, screen, room.consumers);
}

/// One of the tables alone, as long as the screen.
std::string format_part(const Figures& figures, const View& view) {
  const Screen& screen = view.screen;
  const std::string head = format_head(figures, screen) + "\n";
  constexpr std::size_t heading_and_cursor = 2;
  const std::size_t used = lines_in(head) + heading_and_cursor;
  const auto room = screen.height ? std::optional(std::max(*screen.height, used) - used) : std::nullopt;
  switch (view.part) {
    case View::Part::shards:
      return head + format_shards(figures, screen, {true, room});
    case View::Part::consumers:
      return head + format_consumers(figures, screen, room.value_or(SIZE_MAX));
    default:
      return head + format_all_latencies(figures, screen);
  }
}

/// Whether a person should look at it, and how far behind it is.
std::pair<bool, Duration> badness_of(const ConsumerFigures& consumer) {
  return {consumer.outlook.is_bad(), consumer.age};
}

/// One that a person should look at, or else the one of which the oldest unprocessed record is the oldest of all.
const ConsumerFigures* worst_of(const std::vector<ConsumerFigures>& consumers) {
  const auto worst = std::max_element(consumers.begin(), consumers.end(),
                                      [](const auto& a, const auto& b) { return badness_of(a) < badness_of(b); });
  return worst == consumers.end() ? nullptr : &*worst;
}

/// On a screen that is watched, those with the worst consumers first, by minutes, so that lines seldom change places.
std::vector<const Figures*> in_order(const std::vector<Figures>& streams, const Screen& screen) {
  std::vector<const Figures*> sorted;
  sorted.reserve(streams.size());
  for (const Figures& each : streams) sorted.push_back(&each);
  if (!screen.height) return sorted;
  const auto badness = [](const Figures* stream) {
    const ConsumerFigures* const worst = worst_of(stream->consumers);
    const auto [is_bad, age] = worst == nullptr ? std::pair(false, Duration()) : badness_of(*worst);
    return std::pair(is_bad, std::chrono::floor<std::chrono::minutes>(age));
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Figures* a, const Figures* b) { return badness(a) > badness(b); });
  return sorted;
}

std::vector<std::string> list_row(const Figures& figures, const Screen& screen) {
  constexpr std::size_t plot = 12;
  const Totals totals = totals_of(figures.statistics);
  const Traffic& in = figures.traffic.in;
  const ConsumerFigures* const worst = worst_of(figures.consumers);
  const bool is_behind = worst != nullptr && worst->statistics.oldest.has_value();
  const bool is_bad = is_behind && worst->outlook.is_bad();
  const std::string words = worst != nullptr && worst->outlook.loses_data_in ? "loses data" : "falls behind";
  return {printable(figures.name),
          format_count(figures.statistics.description.map.open_shards().size()),
          count_text(totals.records),
          size_text(totals.bytes),
          records_text(figures.arrivals.stream.last_minute),
          in.empty() ? "" : sparkline(in.last_hour, in.peak(), plot, screen.unicode),
          is_behind ? shortened(printable(worst->statistics.consumer.name), plot) : "-",
          worst == nullptr ? "-" : age_text(worst->age),
          is_bad ? alarming(words, screen) : ""};
}

}  // namespace

std::string format_page(const Figures& figures, const View& view) {
  const std::string page =
      view.part == View::Part::overview ? format_overview(figures, view) : format_part(figures, view);
  return view.details ? page + "\n" + format_details(figures, view.screen) : page;
}

std::string format_list(const std::vector<Figures>& streams, const Screen& screen) {
  if (streams.empty()) return {};
  Rows rows;
  for (const Figures* const each : in_order(streams, screen)) rows.push_back(list_row(*each, screen));
  std::vector<Column> columns{{"stream"},          {"shards", right, 2}, {"records", right, 4},
                              {"bytes", right, 3}, {"in/s", right, 6},   {"last hour", left, 1},
                              {"worst", left, 5},  {"age", right, 7},    {"", left, 8}};
  if (std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.back().empty(); })) {
    columns.pop_back();
    for (auto& row : rows) row.pop_back();
  }
  return format_table(columns, std::move(rows), screen.width);
}

}  // namespace shardlog::cli

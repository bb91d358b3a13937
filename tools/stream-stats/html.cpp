#include "tools/stream-stats/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "shardlog/core/printable.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/svg.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

constexpr const char* style = R"(
:root { color-scheme: light dark; --text: #1c2024; --dim: #60646c; --line: #d9d9e0; --back: #fff; --alarm: #b3261e;
  --course-0: #0b62c4; --course-1: #b35900; --course-2: #2b7a3e; --course-3: #8e3bb0; --course-4: #8a6d00; --course-5: #0f7a80; }
@media (prefers-color-scheme: dark) { :root { --text: #edeef0; --dim: #b0b4ba; --line: #43484e; --back: #18191b;
  --alarm: #ff8a80; --course-0: #70b8ff; --course-1: #ffa057; --course-2: #71d083; --course-3: #d19dff; --course-4: #ffd60a; --course-5: #5eead4; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto; padding: 1rem;
  max-width: 76rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { margin: .2rem 0; } .dim, svg text, th { color: var(--dim); } .alarm { color: var(--alarm); font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 400; } th, td { padding: .1rem .9rem .1rem 0; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .words { text-align: left; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 0 2rem; }
figure { margin: .5rem 0; max-width: 44rem; break-inside: avoid; } svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--dim); } path { fill: none; stroke-width: 1.6; stroke-linecap: round; }
.grid { stroke: var(--line); } .axis { stroke: var(--dim); } meter { width: 8rem; vertical-align: middle; }
.key::before { content: ""; display: inline-block; width: 1.2em; height: .25em; margin: 0 .4em .2em 0; background: var(--key); }
.key { margin-right: 1rem; } summary { color: var(--dim); cursor: pointer; }
@media (max-width: 30rem) { th, td { padding-right: .6rem; } meter { width: 3.5rem; } svg text { font-size: 14px; } }
@media print { body { font-size: 10px; padding: 0; } details { display: none; } .pictures { grid-template-columns: 1fr 1fr; } }
)";

constexpr std::size_t colours = 6;

/// The classes of courses, whose number may be any.
std::string course_styles(std::size_t courses) {
  std::string text;
  for (std::size_t i = 0; i < courses; ++i) {
    text += fmt::format(".course-{} {{ stroke: var(--course-{}); }} .key-{} {{ --key: var(--course-{}); }}\n", i,
                        i % colours, i, i % colours);
  }
  return text;
}

std::string text_of(const std::string& text) {
  return markup(printable(text));
}

struct Cell {
  std::string html;
  std::string style{};  ///< a class
};

std::string table(const std::vector<std::string>& headings, const std::vector<std::vector<Cell>>& rows) {
  std::string text = "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& heading : headings) text += "<th scope=\"col\">" + heading + "</th>";
  text += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (const Cell& cell : row) {
      text += (cell.style.empty() ? "<td>" : "<td class=\"" + cell.style + "\">") + cell.html + "</td>";
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

std::string head_of(const Figures& figures) {
  const StreamDescription& stream = figures.statistics.description;
  const Totals totals = totals_of(figures.statistics);
  std::string kept =
      stream.settings.retention == forever ? "kept forever" : "kept " + duration_text(stream.settings.retention);
  if (stream.settings.until_consumed) kept += ", until consumed";
  return fmt::format("<h1>{}</h1>\n<p>{} open, {}: {}, {}, {} stored</p>\n<p class=\"dim\">{}</p>\n",
                     text_of(figures.name), format_count(stream.map.open_shards().size(), "shard"), kept,
                     count_text(totals.records, "record"), size_text(totals.bytes),
                     size_text(figures.statistics.stored_bytes), to_local_rfc3339(figures.now).substr(0, 19));
}

std::string rates_of(const StreamTraffic& traffic) {
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const char* name, const Traffic& each, bool is_known, const std::string& alarm_class = "") {
    const Rate& rate = each.last_minute;
    rows.push_back({{name},
                    {is_known ? rate_text(rate.records) : "-", is_known && rate.records > 0 ? alarm_class : ""},
                    {is_known ? byte_rate_text(rate.bytes) : "-"},
                    {is_known ? rate_text(rate.calls) : "-"},
                    {rate_text(each.peak())}});
  };
  add("in", traffic.in, traffic.is_in_known);
  add("out", traffic.all_readers.out, traffic.is_known);
  if (!traffic.throttled.empty()) add("throttled", traffic.throttled, traffic.is_known, "alarm");
  if (!traffic.dropped.empty()) add("dropped", traffic.dropped, traffic.is_known, "alarm");
  const char* const damage =
      traffic.is_damaged ? "<p class=\"alarm\">Some of what was measured in the last hour cannot be read.</p>\n" : "";
  return "<h2>Last minute</h2>\n" + table({"", "records/s", "bytes/s", "calls/s", "hour's peak"}, rows) + damage;
}

std::string latencies_of(const StreamTraffic& traffic) {
  if (!traffic.is_known) return "<p class=\"dim\">The latencies are not known: what was measured is damaged.</p>\n";
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const char* name, const std::optional<Latency>& latency, const char* meaning) {
    if (!latency) return;
    rows.push_back({{name},
                    {latency_text(latency->p50)},
                    {latency_text(latency->p99)},
                    {latency_text(latency->max)},
                    {meaning, "words dim"}});
  };
  add("producer", traffic.put, "read from stdin to durable");
  add("propagation", traffic.all_readers.propagation, "arrival to read, at the tail");
  add("consumer", traffic.all_readers.read, "one read");
  add("age at read", traffic.all_readers.age, "arrival to read, also far from the tail");
  if (rows.empty()) return "<p class=\"dim\">No latency was measured in the last minute.</p>\n";
  return "<h2>Latency</h2>\n" + table({"", "p50", "p99", "max", ""}, rows);
}

std::string meter_of(const std::optional<double>& percent) {
  if (!percent) return "-";
  return fmt::format("<meter max=\"100\" high=\"80\" value=\"{:.0f}\"></meter> {:.0f}%", *percent, *percent);
}

/// Of a shard.
Cell limit_of(const Figures& figures, std::size_t place) {
  const Shard& shard = figures.statistics.shards[place].shard;
  if (!shard.open()) return {"closed"};
  const std::string meter = meter_of(utilisation_of(figures, place).most());
  const auto hot = figures.hot_keys.find(shard.id);
  if (hot == figures.hot_keys.end()) return {meter};
  return {meter + fmt::format(" hot: key {} has {:.0f}%", text_of(quote(hot->second.key)), 100 * hot->second.share)};
}

std::string shards_of(const Figures& figures) {
  const capacity::Limits& limits = figures.settings().limits;
  const bool has_read_limits = limits.read_bytes || limits.read_calls;
  std::vector<std::string> headings{"shard", "in/s", "of its limit"};
  if (has_read_limits) headings.emplace_back("of reading");
  for (const char* const each : {"records", "bytes", "last"}) headings.emplace_back(each);
  std::vector<std::vector<Cell>> rows;
  for (std::size_t place = 0; place < figures.statistics.shards.size(); ++place) {
    const ShardStatistics& shard = figures.statistics.shards[place];
    if (!shard.shard.open() && shard.records.value_or(0) == 0) continue;
    std::vector<Cell>& row = rows.emplace_back();
    row.push_back({std::to_string(shard.shard.id.number())});
    row.push_back({records_text(figures.arrivals.of_shard(place).last_minute)});
    row.push_back(limit_of(figures, place));
    if (has_read_limits) row.push_back({meter_of(utilisation_of(figures, place).reading())});
    row.push_back({count_text(shard.records)});
    row.push_back({size_text(shard.bytes)});
    row.push_back({shard.last ? short_time(shard.last->arrived_at, figures.now) : "-"});
  }
  return "<h2>Shards</h2>\n" + table(headings, rows);
}

std::string consumers_of(const Figures& figures) {
  if (figures.consumers.empty()) return "<h2>Consumers</h2>\n<p class=\"dim\">No consumer yet.</p>\n";
  std::vector<std::vector<Cell>> rows;
  for (const ConsumerFigures& each : figures.consumers) {
    rows.push_back(
        {{text_of(each.statistics.consumer.name)},
         {format_count(each.statistics.workers)},
         {count_text(each.statistics.backlog)},
         {age_text(each.age)},
         {outlook_text(each.outlook, each.statistics.trend), each.outlook.is_bad() ? "words alarm" : "words"}});
  }
  return "<h2>Consumers</h2>\n" + table({"consumer", "workers", "behind", "age", ""}, rows);
}

/// The same as a picture for those who cannot see it: at most two dozen rows, each the greatest of its steps.
std::string numbers_of(const Picture& picture, const History& history) {
  constexpr std::size_t most_rows = 24;
  const std::size_t together = (history.steps + most_rows - 1) / most_rows;
  std::vector<std::string> headings{"from"};
  for (const Course& course : picture.courses) headings.push_back(text_of(course.name));
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < history.steps; i += together) {
    const Timestamp start = history.from + history.step * static_cast<std::int64_t>(i);
    std::vector<Cell>& row = rows.emplace_back();
    row.push_back({to_local_rfc3339(start).substr(0, 16).replace(10, 1, " ")});
    for (const Course& course : picture.courses) {
      const auto begin = course.values.begin() + static_cast<std::ptrdiff_t>(i);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(together, history.steps - i));
      const Course part{"", {begin, end}};
      const bool is_known = std::any_of(begin, end, [](double value) { return !std::isnan(value); });
      row.push_back({is_known ? value_text(part.peak(), picture.unit) : "-"});
    }
  }
  return "<details><summary>the greatest values as a table</summary>\n" + table(headings, rows) + "</details>\n";
}

std::string picture_of(const Picture& picture, const History& history) {
  std::string text = "<figure><figcaption>";
  for (std::size_t i = 0; i < picture.courses.size(); ++i) {
    text += fmt::format("<span class=\"key key-{}\">{}</span>", i, text_of(picture.courses[i].name));
  }
  const char* const unit = picture.unit == Unit::duration ? "" : ", records a second";
  text += fmt::format("<span class=\"dim\">{}{}</span></figcaption>\n", markup(picture.title), unit);
  return text + svg(picture, history) + numbers_of(picture, history) + "</figure>\n";
}

}  // namespace

std::string format_html(const Figures& figures, const History& history) {
  std::size_t courses = 0;
  for (const Picture& each : history.pictures) courses = std::max(courses, each.courses.size());
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  text += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  text += fmt::format("<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n", text_of(figures.name), style,
                      course_styles(courses));
  text += head_of(figures) + rates_of(figures.traffic);
  if (history.pictures.empty()) text += "<p class=\"dim\">Nothing was put or read in this time.</p>\n";
  text += "<div class=\"pictures\">\n";
  for (const Picture& each : history.pictures) text += picture_of(each, history);
  text += "</div>\n" + latencies_of(figures.traffic) + shards_of(figures) + consumers_of(figures);
  return text + "</body>\n</html>\n";
}

}  // namespace shardlog::cli

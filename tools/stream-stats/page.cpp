#include "tools/stream-stats/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tools/common/json_text.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

struct Totals {
  std::optional<std::uint64_t> records = 0;
  std::optional<std::uint64_t> bytes = 0;
  std::optional<std::uint64_t> trimmed_records = 0;
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
};

/// Absent if one of them is not known.
void add(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& more) {
  sum = sum && more ? std::optional(*sum + *more) : std::nullopt;
}

Totals totals_of(const StreamStatistics& statistics) {
  Totals totals;
  for (const ShardStatistics& shard : statistics.shards) {
    add(totals.records, shard.records);
    add(totals.bytes, shard.bytes);
    add(totals.trimmed_records, shard.trimmed_records);
    if (shard.first) totals.first = std::min(totals.first.value_or(shard.first->arrived_at), shard.first->arrived_at);
    if (shard.last) totals.last = std::max(totals.last.value_or(shard.last->arrived_at), shard.last->arrived_at);
  }
  return totals;
}

std::string retention_text(const StreamSettings& settings, std::uint64_t trimmed_records) {
  const std::string time = settings.retention == forever ? "forever" : duration_text(settings.retention);
  const std::string until = settings.retention == forever ? "until consumed" : "until consumed, at most " + time;
  return fmt::format("{}{}", settings.until_consumed ? until : time,
                     trimmed_records == 0 ? "" : fmt::format(", {} trimmed", format_count(trimmed_records, "record")));
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

std::string json_limits(const capacity::Limits& limits) {
  return json_object({{"write_records", json(limits.write_records)},
                      {"write_bytes", json(limits.write_bytes)},
                      {"read_bytes", json(limits.read_bytes)},
                      {"read_calls", json(limits.read_calls)}});
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

/// The share of the key space that a range covers, as "25.0 %".
std::string share_of(const HashRange& range) {
  const double width = static_cast<double>(range.last.value() - range.first.value()) + 1;
  return fmt::format("{:.1f} %", width / static_cast<double>(max_hash_key.value()) * 100);
}

/// The first digits of a hash key in hexadecimal: enough to see which range is which.
std::string short_hex(HashKey key) {
  constexpr unsigned shown_bits = 32;
  return fmt::format("{:08x}", static_cast<std::uint32_t>(key.value() >> (128 - shown_bits)));
}

/// "closed, 4 and 5 took over  from 1 and 2": the lineage of a shard, and how many of its records were trimmed.
std::string history_of(const Shard& shard, const ShardMap& map, std::uint64_t trimmed_records, bool with_parents) {
  std::vector<std::string> notes;
  if (!shard.open()) {
    std::vector<std::uint32_t> children;
    for (const Shard& child : map.children_of(shard.id)) children.push_back(child.id.number());
    notes.push_back(fmt::format("closed, {} took over", fmt::join(children, " and ")));
  }
  if (with_parents && shard.parent) {
    notes.push_back(fmt::format("from {}{}", shard.parent->number(),
                                shard.adjacent_parent ? fmt::format(" and {}", shard.adjacent_parent->number()) : ""));
  }
  if (trimmed_records != 0) notes.push_back(fmt::format("{} trimmed", format_count(trimmed_records)));
  return fmt::format("{}", fmt::join(notes, "  "));
}

constexpr std::size_t most_shown = 16;  // with more shards than this, only the busiest are listed
constexpr std::size_t busiest_shown = 8;

Utilisation utilisation_of(const Page& contents, std::size_t place) {
  return utilisation_of(contents.arrivals.of_shard(place).last_minute, contents.limits);
}

/// The places of the shards that are listed: all but those that hold nothing any more, or only the busiest, by what is
/// used of their limits and then by their records.
std::vector<std::size_t> shown_shards(const Page& contents, bool all) {
  const std::vector<ShardStatistics>& shards = contents.statistics.shards;
  std::vector<std::size_t> shown;
  for (std::size_t place = 0; place < shards.size(); ++place) {
    const ShardStatistics& shard = shards[place];
    const bool expired = !shard.shard.open() && shard.records == 0U && shard.trimmed_records != 0U;
    if (!expired) shown.push_back(place);
  }
  if (all || shown.size() <= most_shown) return shown;
  const auto load = [&](std::size_t place) {
    return std::pair(utilisation_of(contents, place).most().value_or(0), shards[place].records.value_or(0));
  };
  std::stable_sort(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) { return load(a) > load(b); });
  shown.erase(shown.begin() + busiest_shown, shown.end());
  return shown;
}

/// A line that shows a skew at once. It has a block for each open shard, in the order of their keys. The height of a
/// block shows how many records the shard holds. Neighbours share a block if the screen is too narrow.
std::string format_skew(const StreamStatistics& statistics, const Screen& screen) {
  const auto& open = statistics.description.map.open_shards();
  const std::size_t together = (open.size() + screen.width - 1) / screen.width;
  std::vector<std::uint64_t> sums((open.size() + together - 1) / together);
  for (std::size_t i = 0; i < open.size(); ++i) {
    sums[i / together] += statistics.shards.at(open[i].number()).records.value_or(0);
  }
  const std::vector<std::string_view> heights =
      screen.unicode ? std::vector<std::string_view>{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
                     : std::vector<std::string_view>{".", ":", "=", "#"};
  const std::uint64_t most = std::max<std::uint64_t>(*std::max_element(sums.begin(), sums.end()), 1);
  std::string line =
      fmt::format("records of all {} open shards, in the order of their keys\n", format_count(open.size()));
  for (const std::uint64_t sum : sums) {
    const double part = static_cast<double>(sum) / static_cast<double>(most);
    line += heights[static_cast<std::size_t>(std::lround(part * static_cast<double>(heights.size() - 1)))];
  }
  return line + "\n";
}

/// Of a shard that is open: a closed one takes nothing any more.
std::string limit_text(const Page& contents, std::size_t place, const Screen& screen) {
  constexpr std::size_t bar_columns = 16;
  if (!contents.statistics.shards[place].shard.open()) return "";
  return format_utilisation(utilisation_of(contents, place), bar_columns, screen.unicode);
}

std::vector<std::string> shard_row(const Page& contents, std::size_t place, const Screen& screen) {
  constexpr std::size_t room_for_parents = 100;
  constexpr std::size_t longest_note = 36;
  const ShardStatistics& shard = contents.statistics.shards[place];
  const auto& [first, last] = std::tie(shard.first, shard.last);
  const HashRange& range = shard.shard.range;
  const std::string history = history_of(shard.shard, contents.statistics.description.map,
                                         shard.trimmed_records.value_or(0), screen.width >= room_for_parents);
  return {shard_text(shard.shard.id, screen.width),
          share_of(range),
          records_text(contents.arrivals.of_shard(place).last_minute),
          limit_text(contents, place, screen),
          count_text(shard.records),
          size_text(shard.bytes),
          last ? short_time(last->arrived_at, contents.now) : "-",
          first ? first->sequence.to_string() : "-",
          last ? last->sequence.to_string() : "-",
          short_hex(range.first) + "-" + short_hex(range.last),
          shortened(history, longest_note)};
}

std::string format_shards(const Page& contents, const Screen& screen, bool all) {
  const ShardMap& map = contents.statistics.description.map;
  const std::vector<std::size_t> shown = shown_shards(contents, all);
  std::vector<Column> columns{{"shard", right},      {"keys", right, 7},     {"in/s", right, 10}, {"limit", left, 11},
                              {"records", right, 9}, {"bytes", right, 5},    {"last", right, 8},  {"from", right, 2},
                              {"to", right, 3},      {"hash keys", left, 1}, {"", left, 6}};
  Rows rows;
  for (const std::size_t place : shown) rows.push_back(shard_row(contents, place, screen));
  if (!contents.limits.write_records && !contents.limits.write_bytes) {
    constexpr std::size_t limit = 3;
    columns.erase(columns.begin() + limit);
    for (auto& row : rows) row.erase(row.begin() + limit);
  }
  const std::string text = format_table(columns, std::move(rows), screen.width);
  const bool left_out = shown.size() == busiest_shown && map.shards().size() > most_shown;
  return left_out && !all ? text + format_skew(contents.statistics, screen) : text;
}

std::string json_end(const std::optional<ShardStatistics::End>& end) {
  if (!end) return "null";
  return json_object({{"sequence", json(end->sequence)}, {"arrived", json(end->arrived_at)}});
}

std::string json_shard(const Page& contents, std::size_t place) {
  const ShardStatistics& statistics = contents.statistics.shards[place];
  const ShardMap& map = contents.statistics.description.map;
  const Shard& shard = statistics.shard;
  std::vector<ShardId> parents;
  for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
    if (parent) parents.push_back(*parent);
  }
  return json_object(
      {{"shard", json(shard.id)},
       {"first_hash_key", json(shard.range.first)},
       {"last_hash_key", json(shard.range.last)},
       {"open", json(shard.open())},
       {"records", json(statistics.records)},
       {"bytes", json(statistics.bytes)},
       {"trimmed_records", json(statistics.trimmed_records)},
       {"trimmed_bytes", json(statistics.trimmed_bytes)},
       {"in", json_rates(contents.arrivals.of_shard(place))},
       {"utilisation", json_utilisation(utilisation_of(contents, place))},
       {"opened", json(shard.opened_at)},
       {"closed", json(shard.closed_at)},
       {"parents", json_array(parents)},
       {"children", json_array(map.children_of(shard.id), [](const Shard& each) { return json(each.id); })},
       {"first", json_end(statistics.first)},
       {"last", json_end(statistics.last)}});
}

std::string json_loss(const Loss& loss) {
  return json_object({{"records", json(loss.records)}, {"accepted", json(loss.accepted_at)}});
}

}  // namespace

std::string format_page(const std::string& name, const Page& contents, const Screen& screen, bool all_shards) {
  const StreamStatistics& statistics = contents.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  constexpr std::size_t label = 11;
  const auto fitting = [&](const std::string& text) { return shortened(text, screen.width - label); };
  std::string page = fmt::format("stream     {}\n", fitting(printable(name)));
  const std::size_t open = stream.map.open_shards().size();
  const std::size_t closed = stream.map.shards().size() - open;
  page += fmt::format("shards     {} open{}\n", format_count(open),
                      closed == 0 ? "" : fmt::format(", {} closed", format_count(closed)));
  if (stream.settings.mode == Mode::on_demand) page += "mode       on-demand\n";
  page += fmt::format("records    {} in {}, {} on disk\n", count_text(totals.records), size_text(totals.bytes),
                      size_text(statistics.stored_bytes));
  page += fmt::format("record     at most {}, compression {}\n", format_size(stream.settings.max_record_size),
                      to_string(stream.settings.compression));
  page += fmt::format("retention  {}\n", retention_text(stream.settings, totals.trimmed_records.value_or(0)));
  if (stream.settings.max_bytes != unbounded) {
    page += fmt::format("bound      {}\n", bound_text(stream.settings, totals.bytes));
  }
  const char* heading = "limits";
  for (const std::string& limits : limit_lines(stream.settings.limits)) {
    page += fmt::format("{:11}{}\n", heading, fitting("each shard " + limits));
    heading = "";
  }
  for (const Loss& loss : stream.losses) page += fmt::format("lost       {}\n", loss_text(loss));
  page += format_rates(contents.arrivals.stream, screen.width);
  if (!contents.consumers.empty()) {
    page += "\n" + format_consumers(contents.consumers, contents.now, screen.width);
  }
  page += "\n" + format_shards(contents, screen, all_shards) + "\n";
  if (totals.first && totals.last) {
    page +=
        fmt::format("first      {}\nlast       {}\n", to_local_rfc3339(*totals.first), to_local_rfc3339(*totals.last));
  }
  for (const auto& [key, value] : stream.settings.tags) {
    page += fmt::format("tag        {}\n", fitting(printable(key) + "=" + printable(value)));
  }
  return page +
         fmt::format("created    {}\nuuid       {}\n", to_local_rfc3339(stream.created_at), printable(stream.uuid));
}

std::string format_list(const std::vector<std::pair<std::string, Page>>& streams, const Screen& screen) {
  if (streams.empty()) return {};
  Rows rows;
  for (const auto& [stream, page] : streams) {
    const Totals totals = totals_of(page.statistics);
    std::optional<std::uint64_t> worst;
    for (const ConsumerStatistics& each : page.consumers) worst = std::max(worst, each.backlog);
    rows.push_back({printable(stream), format_count(page.statistics.description.map.open_shards().size()),
                    count_text(totals.records), size_text(totals.bytes), records_text(page.arrivals.stream.last_minute),
                    totals.last ? short_time(*totals.last, page.now) : "-", count_text(worst)});
  }
  return format_table({{"stream"},
                       {"shards", right, 2},
                       {"records", right, 5},
                       {"bytes", right, 3},
                       {"in/s", right, 6},
                       {"last", right, 4},
                       {"backlog", right, 1}},
                      std::move(rows), screen.width);
}

std::string format_json(const std::string& name, const Page& contents) {
  const StreamStatistics& statistics = contents.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  std::vector<std::pair<std::string, std::string>> tags;
  for (const auto& [key, value] : stream.settings.tags) tags.emplace_back(key, json(value));
  const Duration retention = stream.settings.retention;
  const bool is_bounded = stream.settings.max_bytes != unbounded;
  std::vector<std::string> shards;
  for (std::size_t place = 0; place < statistics.shards.size(); ++place) shards.push_back(json_shard(contents, place));
  return json_object({{"stream", json(name)},
                      {"uuid", json(stream.uuid)},
                      {"format_version", std::to_string(stream.format_version)},
                      {"created", json(stream.created_at)},
                      {"max_record_size", json(stream.settings.max_record_size)},
                      {"retention_seconds", retention == forever ? "null" : json_seconds(retention)},
                      {"until_consumed", json(stream.settings.until_consumed)},
                      {"max_bytes", is_bounded ? json(stream.settings.max_bytes) : "null"},
                      {"when_full", is_bounded ? json(to_string(stream.settings.when_full)) : "null"},
                      {"mode", json(to_string(stream.settings.mode))},
                      {"compression", json(to_string(stream.settings.compression))},
                      {"limits", json_limits(stream.settings.limits)},
                      {"tags", json_object(tags)},
                      {"records", json(totals.records)},
                      {"bytes", json(totals.bytes)},
                      {"stored_bytes", json(statistics.stored_bytes)},
                      {"losses", json_array(stream.losses, json_loss)},
                      {"in", json_rates(contents.arrivals.stream)},
                      {"shards", json_array(shards, [](const std::string& shard) { return shard; })},
                      {"consumers", json_consumers(contents.consumers, contents.now)},
                      {"producers", json_producers(contents.producers)}}) +
         "\n";
}

}  // namespace shardlog::cli

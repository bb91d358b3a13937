#include "tools/stream-stats/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tools/common/json_text.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
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

/// "closed, 4 and 5 took over  from 1 and 2": the lineage of a shard, and what it has lost.
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

constexpr std::size_t most_shown = 16;  // shards that are all listed
constexpr std::size_t busiest_shown = 8;

/// The shards that are listed: all but those that hold nothing any more, or only the busiest.
std::vector<ShardStatistics> shown_shards(const StreamStatistics& statistics, bool all) {
  std::vector<ShardStatistics> shown;
  for (const ShardStatistics& shard : statistics.shards) {
    const bool expired = !shard.shard.open() && shard.records == 0U && shard.trimmed_records != 0U;
    if (!expired) shown.push_back(shard);
  }
  if (all || shown.size() <= most_shown) return shown;
  std::stable_sort(shown.begin(), shown.end(), [](const ShardStatistics& a, const ShardStatistics& b) {
    return a.records.value_or(0) > b.records.value_or(0);
  });
  shown.erase(shown.begin() + busiest_shown, shown.end());
  return shown;
}

/// A line that shows a skew at once: a block for each open shard in the order of their keys, as high as the shard has
/// records. Neighbours share a block if the screen is too narrow.
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

std::string format_shards(const Page& contents, const Screen& screen, bool all) {
  constexpr std::size_t room_for_parents = 100;
  constexpr std::size_t longest_note = 36;
  const ShardMap& map = contents.statistics.description.map;
  const std::vector<ShardStatistics> shown = shown_shards(contents.statistics, all);
  Rows rows;
  for (const ShardStatistics& each : shown) {
    const auto& [first, last] = std::tie(each.first, each.last);
    const HashRange& range = each.shard.range;
    const std::string history =
        history_of(each.shard, map, each.trimmed_records.value_or(0), screen.width >= room_for_parents);
    rows.push_back({shard_text(each.shard.id, screen.width), share_of(range), count_text(each.records),
                    size_text(each.bytes), last ? short_time(last->arrived_at, contents.now) : "-",
                    first ? first->sequence.to_string() : "-", last ? last->sequence.to_string() : "-",
                    short_hex(range.first) + "-" + short_hex(range.last), shortened(history, longest_note)});
  }
  const std::string text = format_table({{"shard", right},
                                         {"keys", right, 7},
                                         {"records", right, 9},
                                         {"bytes", right, 5},
                                         {"last", right, 8},
                                         {"from", right, 2},
                                         {"to", right, 3},
                                         {"hash keys", left, 1},
                                         {"", left, 6}},
                                        std::move(rows), screen.width);
  const bool left_out = shown.size() == busiest_shown && map.shards().size() > most_shown;
  return left_out && !all ? text + format_skew(contents.statistics, screen) : text;
}

std::string json_end(const std::optional<ShardStatistics::End>& end) {
  if (!end) return "null";
  return json_object({{"sequence", json(end->sequence)}, {"arrived", json(end->arrived_at)}});
}

std::string json_shard(const ShardStatistics& statistics, const ShardMap& map) {
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
  page += fmt::format("records    {} in {}, {} on disk\n", count_text(totals.records), size_text(totals.bytes),
                      size_text(statistics.stored_bytes));
  page += fmt::format("record     at most {}, compression {}\n", format_size(stream.settings.max_record_size),
                      to_string(stream.settings.compression));
  page += fmt::format("retention  {}\n", retention_text(stream.settings, totals.trimmed_records.value_or(0)));
  if (stream.settings.max_bytes != unbounded) {
    page += fmt::format("bound      {}\n", bound_text(stream.settings, totals.bytes));
  }
  for (const Loss& loss : stream.losses) page += fmt::format("lost       {}\n", loss_text(loss));
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
  page += fmt::format("created    {}\n", to_local_rfc3339(stream.created_at));
  return page + fmt::format("uuid       {}\n", printable(stream.uuid));
}

std::string format_list(const std::vector<std::pair<std::string, Page>>& streams, const Screen& screen) {
  if (streams.empty()) return {};
  Rows rows;
  for (const auto& [stream, page] : streams) {
    const Totals totals = totals_of(page.statistics);
    std::optional<std::uint64_t> worst;
    for (const ConsumerStatistics& each : page.consumers) worst = std::max(worst, each.backlog);
    rows.push_back({printable(stream), format_count(page.statistics.description.map.open_shards().size()),
                    count_text(totals.records), size_text(totals.bytes),
                    totals.last ? short_time(*totals.last, page.now) : "-", count_text(worst)});
  }
  return format_table({{"stream"},
                       {"shards", right, 2},
                       {"records", right, 5},
                       {"bytes", right, 3},
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
  const auto write_shard = [&stream](const ShardStatistics& shard) { return json_shard(shard, stream.map); };
  return json_object({{"stream", json(name)},
                      {"uuid", json(stream.uuid)},
                      {"format_version", std::to_string(stream.format_version)},
                      {"created", json(stream.created_at)},
                      {"max_record_size", json(stream.settings.max_record_size)},
                      {"retention_seconds", retention == forever ? "null" : json_seconds(retention)},
                      {"until_consumed", json(stream.settings.until_consumed)},
                      {"max_bytes", is_bounded ? json(stream.settings.max_bytes) : "null"},
                      {"when_full", is_bounded ? json(to_string(stream.settings.when_full)) : "null"},
                      {"compression", json(to_string(stream.settings.compression))},
                      {"tags", json_object(tags)},
                      {"records", json(totals.records)},
                      {"bytes", json(totals.bytes)},
                      {"stored_bytes", json(statistics.stored_bytes)},
                      {"losses", json_array(stream.losses, json_loss)},
                      {"shards", json_array(statistics.shards, write_shard)},
                      {"consumers", json_consumers(contents.consumers, contents.now)},
                      {"producers", json_producers(contents.producers)}}) +
         "\n";
}

}  // namespace shardlog::cli

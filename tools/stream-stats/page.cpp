#include "tools/stream-stats/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/table.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

struct Totals {
  std::optional<std::uint64_t> records = 0;
  std::optional<std::uint64_t> bytes = 0;
  std::optional<std::uint64_t> trimmed_records = 0;
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
};

/// Nothing where one of them is not known.
void add(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& more) {
  sum = sum && more ? std::optional(*sum + *more) : std::nullopt;
}

Totals totals_of(const StreamStatistics& statistics) {
  Totals totals;
  for (const ShardStatistics& shard : statistics.shards) {
    add(totals.records, shard.records);
    add(totals.bytes, shard.bytes);
    add(totals.trimmed_records, shard.trimmed_records);
    if (shard.first && (!totals.first || shard.first->arrived_at < *totals.first))
      totals.first = shard.first->arrived_at;
    if (shard.last && (!totals.last || shard.last->arrived_at > *totals.last)) totals.last = shard.last->arrived_at;
  }
  return totals;
}

std::string retention_text(Duration retention, std::uint64_t trimmed_records) {
  return fmt::format("{}{}", retention == forever ? "forever" : duration_text(retention),
                     trimmed_records == 0 ? "" : fmt::format(", {} trimmed", format_count(trimmed_records, "record")));
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

void append_end(std::string& to, const char* name, const std::optional<ShardStatistics::End>& end) {
  if (!end) {
    to += fmt::format(",\"{}\":null", name);
    return;
  }
  to += fmt::format(R"(,"{}":{{"sequence":"{}","arrived":"{}"}})", name, end->sequence.to_string(),
                    to_rfc3339(end->arrived_at));
}

/// "closed, 4 and 5 took over" or "from 1 and 2": where a shard stands in the lineage; and what it has lost.
std::string history_of(const Shard& shard, const ShardMap& map, std::uint64_t trimmed_records, bool with_parents) {
  std::string text;
  if (!shard.open()) {
    std::string children;
    for (const Shard& child : map.children_of(shard.id)) {
      children += (children.empty() ? "" : " and ") + std::to_string(child.id.number());
    }
    text = fmt::format("closed, {} took over", children);
  }
  const auto add = [&text](const std::string& note) { text += (text.empty() ? "" : "  ") + note; };
  if (with_parents && shard.parent) {
    add(fmt::format("from {}{}", shard.parent->number(),
                    shard.adjacent_parent ? fmt::format(" and {}", shard.adjacent_parent->number()) : ""));
  }
  if (trimmed_records != 0) add(fmt::format("{} trimmed", format_count(trimmed_records)));
  return text;
}

constexpr std::size_t most_shown = 16;  // shards that are all listed
constexpr std::size_t busiest_shown = 8;

/// Those that are listed: all that hold something or may, or the busiest of them.
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

/// A block for each open shard, or for some that are neighbours, in the order of their keys: as high as they have
/// records, so that a skew is seen at once.
std::string format_skew(const StreamStatistics& statistics, const Screen& screen) {
  const auto& open = statistics.description.map.open_shards();
  const std::size_t together = (open.size() + screen.width - 1) / screen.width;
  std::vector<std::uint64_t> sums((open.size() + together - 1) / together);
  for (std::size_t place = 0; place < open.size(); ++place) {
    sums[place / together] += statistics.shards.at(open[place].number()).records.value_or(0);
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
  Column number{"shard", Column::Side::right};
  Column keys{"keys", Column::Side::right, 7};
  Column records{"records", Column::Side::right, 9};
  Column bytes{"bytes", Column::Side::right, 5};
  Column last{"last", Column::Side::right, 8};
  Column first_sequence{"from", Column::Side::right, 2};
  Column last_sequence{"to", Column::Side::right, 3};
  Column range{"hash keys", Column::Side::left, 1};
  Column notes{"", Column::Side::left, 6};
  const std::vector<ShardStatistics> shown = shown_shards(contents.statistics, all);
  for (const ShardStatistics& shard : shown) {
    number.cells.push_back(shard_text(shard.shard.id, screen.width));
    keys.cells.push_back(share_of(shard.shard.range));
    records.cells.push_back(count_text(shard.records));
    bytes.cells.push_back(size_text(shard.bytes));
    last.cells.push_back(shard.last ? short_time(shard.last->arrived_at, contents.now) : "-");
    first_sequence.cells.push_back(shard.first ? shard.first->sequence.to_string() : "-");
    last_sequence.cells.push_back(shard.last ? shard.last->sequence.to_string() : "-");
    range.cells.push_back(short_hex(shard.shard.range.first) + "-" + short_hex(shard.shard.range.last));
    notes.cells.push_back(
        shortened(history_of(shard.shard, map, shard.trimmed_records.value_or(0), screen.width >= room_for_parents),
                  longest_note));
  }
  std::string text =
      format_table({number, keys, records, bytes, last, first_sequence, last_sequence, range, notes}, screen.width);
  const bool left_out = shown.size() == busiest_shown && map.shards().size() > most_shown;
  return left_out && !all ? text + format_skew(contents.statistics, screen) : text;
}

std::string json_ids(const std::vector<ShardId>& ids) {
  std::string text;
  for (const ShardId id : ids) text += fmt::format("{}\"{}\"", text.empty() ? "" : ",", id.to_string());
  return "[" + text + "]";
}

std::string json_lineage(const Shard& shard, const ShardMap& map) {
  std::vector<ShardId> parents;
  for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
    if (parent) parents.push_back(*parent);
  }
  std::vector<ShardId> children;
  for (const Shard& child : map.children_of(shard.id)) children.push_back(child.id);
  return fmt::format(R"("opened":"{}","closed":{},"parents":{},"children":{})", to_rfc3339(shard.opened_at),
                     shard.closed_at ? fmt::format("\"{}\"", to_rfc3339(*shard.closed_at)) : "null", json_ids(parents),
                     json_ids(children));
}

std::string json_losses(const std::vector<Loss>& losses) {
  std::string text;
  for (const Loss& loss : losses) {
    text += fmt::format(R"({}{{"records":{},"accepted":"{}"}})", text.empty() ? "" : ",", loss.records,
                        to_rfc3339(loss.accepted_at));
  }
  return "[" + text + "]";
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
  page += fmt::format("retention  {}\n", retention_text(stream.settings.retention, totals.trimmed_records.value_or(0)));
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
  Column name{"stream"};
  Column shards{"shards", Column::Side::right, 2};
  Column records{"records", Column::Side::right, 5};
  Column bytes{"bytes", Column::Side::right, 3};
  Column last{"last", Column::Side::right, 4};
  Column backlog{"backlog", Column::Side::right, 1};
  for (const auto& [stream, page] : streams) {
    const Totals totals = totals_of(page.statistics);
    std::optional<std::uint64_t> worst;
    for (const ConsumerStatistics& each : page.consumers) worst = std::max(worst, each.backlog);
    name.cells.push_back(printable(stream));
    shards.cells.push_back(format_count(page.statistics.description.map.open_shards().size()));
    records.cells.push_back(count_text(totals.records));
    bytes.cells.push_back(size_text(totals.bytes));
    last.cells.push_back(totals.last ? short_time(*totals.last, page.now) : "-");
    backlog.cells.push_back(count_text(worst));
  }
  return format_table({name, shards, records, bytes, last, backlog}, screen.width);
}

std::string format_json(const std::string& name, const Page& contents) {
  const StreamStatistics& statistics = contents.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  std::string json = fmt::format(
      R"({{"stream":{},"uuid":{},"format_version":{},"created":"{}","max_record_size":{},"retention_seconds":{},"compression":"{}","tags":{{)",
      json_string(name), json_string(stream.uuid), stream.format_version, to_rfc3339(stream.created_at),
      stream.settings.max_record_size,
      stream.settings.retention == forever ? "null" : json_seconds(stream.settings.retention),
      to_string(stream.settings.compression));
  const char* separator = "";
  for (const auto& [key, value] : stream.settings.tags) {
    json += fmt::format("{}{}:{}", separator, json_string(key), json_string(value));
    separator = ",";
  }
  json +=
      fmt::format(R"(}},"records":{},"bytes":{},"stored_bytes":{},"losses":{},"shards":[)", json_count(totals.records),
                  json_count(totals.bytes), json_count(statistics.stored_bytes), json_losses(stream.losses));
  separator = "";
  for (const ShardStatistics& shard : statistics.shards) {
    json += fmt::format(
        R"({}{{"shard":"{}","first_hash_key":"{}","last_hash_key":"{}","open":{},"records":{},"bytes":{},"trimmed_records":{},"trimmed_bytes":{})",
        separator, shard.shard.id.to_string(), shard.shard.range.first.to_string(), shard.shard.range.last.to_string(),
        shard.shard.open(), json_count(shard.records), json_count(shard.bytes), json_count(shard.trimmed_records),
        json_count(shard.trimmed_bytes));
    json += "," + json_lineage(shard.shard, stream.map);
    append_end(json, "first", shard.first);
    append_end(json, "last", shard.last);
    json += '}';
    separator = ",";
  }
  return json +
         fmt::format(R"(],"consumers":{},"producers":{}}})", json_consumers(contents.consumers, contents.now),
                     json_producers(contents.producers)) +
         "\n";
}

}  // namespace shardlog::cli

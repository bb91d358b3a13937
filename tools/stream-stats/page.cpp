#include "tools/stream-stats/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "tools/common/units.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

struct Totals {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t trimmed_records = 0;
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
};

Totals totals_of(const StreamStatistics& statistics) {
  Totals totals;
  for (const ShardStatistics& shard : statistics.shards) {
    totals.records += shard.records;
    totals.bytes += shard.bytes;
    totals.trimmed_records += shard.trimmed_records;
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
std::string history_of(const Shard& shard, const ShardMap& map, std::uint64_t trimmed_records) {
  std::string text;
  if (!shard.open()) {
    std::string children;
    for (const Shard& child : map.children_of(shard.id)) {
      children += (children.empty() ? "" : " and ") + std::to_string(child.id.number());
    }
    text = fmt::format("  closed, {} took over", children);
  }
  if (shard.parent) text += fmt::format("  from {}", shard.parent->number());
  if (shard.adjacent_parent) text += fmt::format(" and {}", shard.adjacent_parent->number());
  if (trimmed_records != 0) text += fmt::format("  {} trimmed", format_count(trimmed_records));
  return text;
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
    text += fmt::format(R"({}{{"first_batch":{},"last_batch":{},"records":{},"accepted":"{}"}})",
                        text.empty() ? "" : ",", loss.after + 1, loss.last, loss.records, to_rfc3339(loss.accepted_at));
  }
  return "[" + text + "]";
}

}  // namespace

std::string format_page(const std::string& name, const Page& contents) {
  const StreamStatistics& statistics = contents.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  std::string page = fmt::format("stream     {}\n", printable(name));
  page += fmt::format("uuid       {}\n", stream.uuid);
  page += fmt::format("created    {}\n", to_rfc3339(stream.created_at));
  const std::size_t open = stream.map.open_shards().size();
  const std::size_t closed = stream.map.shards().size() - open;
  page += fmt::format("shards     {} open{}\n", format_count(open),
                      closed == 0 ? "" : fmt::format(", {} closed", format_count(closed)));
  page += fmt::format("record     at most {}, compression {}\n", format_size(stream.settings.max_record_size),
                      to_string(stream.settings.compression));
  page += fmt::format("retention  {}\n", retention_text(stream.settings.retention, totals.trimmed_records));
  for (const Loss& loss : stream.losses) page += fmt::format("lost       {}\n", loss_text(loss));
  for (const auto& [key, value] : stream.settings.tags)
    page += fmt::format("tag        {}={}\n", printable(key), printable(value));
  page += fmt::format("records    {} in {}, {} on disk\n", format_count(totals.records), format_size(totals.bytes),
                      format_size(statistics.stored_bytes));
  if (totals.first && totals.last) {
    page += fmt::format("first      {}\nlast       {}\n", to_rfc3339(*totals.first), to_rfc3339(*totals.last));
  }
  page += format_consumer_lines(contents.consumers, contents.now);
  page += fmt::format("\n{:<20}  {:<17}  {:>7}  {:>13}  {:>8}  {:>13}  {:>13}  {}\n", "shard", "hash keys", "share",
                      "records", "bytes", "first", "last", "last arrival");
  for (const ShardStatistics& shard : statistics.shards) {
    const bool expired = !shard.shard.open() && shard.records == 0 && shard.trimmed_records != 0;
    if (expired) continue;
    const HashRange& range = shard.shard.range;
    page += fmt::format("{:<20}  {}-{}  {:>7}  {:>13}  {:>8}  {:>13}  {:>13}  {}{}\n", shard.shard.id.to_string(),
                        short_hex(range.first), short_hex(range.last), share_of(range), format_count(shard.records),
                        format_size(shard.bytes), shard.first ? shard.first->sequence.to_string() : "-",
                        shard.last ? shard.last->sequence.to_string() : "-",
                        shard.last ? to_rfc3339(shard.last->arrived_at) : "-",
                        history_of(shard.shard, stream.map, shard.trimmed_records));
  }
  return page;
}

std::string format_list(const std::vector<std::pair<std::string, Page>>& streams) {
  if (streams.empty()) return {};
  constexpr std::string_view heading = "stream";
  std::size_t width = heading.size();
  for (const auto& [name, page] : streams) width = std::max(width, printable(name).size());
  std::string list =
      fmt::format("{:<{}}  {:>6}  {:>13}  {:>8}  {}\n", heading, width, "shards", "records", "bytes", "last arrival");
  for (const auto& [name, page] : streams) {
    const Totals totals = totals_of(page.statistics);
    list += fmt::format("{:<{}}  {:>6}  {:>13}  {:>8}  {}\n", printable(name), width,
                        page.statistics.description.map.open_shards().size(), format_count(totals.records),
                        format_size(totals.bytes), totals.last ? to_rfc3339(*totals.last) : "-");
  }
  return list;
}

std::string format_json(const std::string& name, const Page& contents) {
  const StreamStatistics& statistics = contents.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  std::string json = fmt::format(
      R"({{"stream":{},"uuid":"{}","format_version":{},"created":"{}","max_record_size":{},"retention_seconds":{},"compression":"{}","tags":{{)",
      json_string(name), stream.uuid, stream.format_version, to_rfc3339(stream.created_at),
      stream.settings.max_record_size,
      stream.settings.retention == forever ? "null" : json_seconds(stream.settings.retention),
      to_string(stream.settings.compression));
  const char* separator = "";
  for (const auto& [key, value] : stream.settings.tags) {
    json += fmt::format("{}{}:{}", separator, json_string(key), json_string(value));
    separator = ",";
  }
  json += fmt::format(R"(}},"records":{},"bytes":{},"stored_bytes":{},"losses":{},"shards":[)", totals.records,
                      totals.bytes, statistics.stored_bytes, json_losses(stream.losses));
  separator = "";
  for (const ShardStatistics& shard : statistics.shards) {
    json += fmt::format(
        R"({}{{"shard":"{}","first_hash_key":"{}","last_hash_key":"{}","open":{},"records":{},"bytes":{},"trimmed_records":{},"trimmed_bytes":{})",
        separator, shard.shard.id.to_string(), shard.shard.range.first.to_string(), shard.shard.range.last.to_string(),
        shard.shard.open(), shard.records, shard.bytes, shard.trimmed_records, shard.trimmed_bytes);
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

#include "tools/stream-stats/figures_json.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "tools/common/json_text.h"
#include "tools/stream-stats/consumer_page.h"
#include "tools/stream-stats/named_figures.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

std::string json_limits(const capacity::Limits& limits) {
  return json_object({{"write_records", json(limits.write_records)},
                      {"write_bytes", json(limits.write_bytes)},
                      {"read_bytes", json(limits.read_bytes)},
                      {"read_calls", json(limits.read_calls)}});
}

std::string json_end(const std::optional<ShardStatistics::End>& end) {
  if (!end) return "null";
  return json_object({{"sequence", json(end->sequence)}, {"arrived", json(end->arrived_at)}});
}

std::string json_hot_key(const Figures& figures, ShardId shard) {
  const auto hot = figures.hot_keys.find(shard);
  if (hot == figures.hot_keys.end()) return "null";
  return json_object({{"key", json(hot->second.key)}, {"share", fmt::format("{:.3f}", hot->second.share)}});
}

std::string json_shard(const Figures& figures, std::size_t place) {
  const ShardStatistics& statistics = figures.statistics.shards[place];
  const ShardMap& map = figures.statistics.description.map;
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
       {"in", json_rates(figures.arrivals.of_shard(place))},
       {"utilisation", json_utilisation(utilisation_of(figures, place))},
       {"hot_key", json_hot_key(figures, shard.id)},
       {"opened", json(shard.opened_at)},
       {"closed", json(shard.closed_at)},
       {"parents", json_array(parents)},
       {"children", json_array(map.children_of(shard.id), [](const Shard& each) { return json(each.id); })},
       {"first", json_end(statistics.first)},
       {"last", json_end(statistics.last)}});
}

std::string_view name_of(Capabilities::Survives survives) {
  switch (survives) {
    case Capabilities::Survives::process_end:
      return "process-end";
    case Capabilities::Survives::power_cut:
      return "power-cut";
    case Capabilities::Survives::machine_loss:
      return "machine-loss";
  }
  return "";
}

std::string json_loss(const Loss& loss) {
  return json_object({{"records", json(loss.records)}, {"accepted", json(loss.accepted_at)}});
}

/// Records a second in each minute of the last hour, by the names of the figures.
std::string json_last_hour(const StreamTraffic& traffic) {
  const auto series = [](const Traffic& each) {
    return json_array(each.last_hour, [](double rate) { return json_number(rate); });
  };
  return json_object({{"incoming_records", series(traffic.in)},
                      {"outgoing_records", series(traffic.all_readers.out)},
                      {"write_provisioned_throughput_exceeded", series(traffic.throttled)},
                      {"dropped_records", series(traffic.dropped)}});
}

}  // namespace

std::string format_json(const Figures& figures) {
  const StreamStatistics& statistics = figures.statistics;
  const StreamDescription& stream = statistics.description;
  const Totals totals = totals_of(statistics);
  std::vector<std::pair<std::string, std::string>> tags;
  for (const auto& [key, value] : stream.settings.tags) tags.emplace_back(key, json(value));
  const Duration retention = stream.settings.retention;
  const bool is_bounded = stream.settings.max_bytes != unbounded;
  std::vector<std::string> shards;
  for (std::size_t place = 0; place < statistics.shards.size(); ++place) shards.push_back(json_shard(figures, place));
  return json_object({{"stream", json(figures.name)},
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
                      {"survives", json(name_of(figures.survives))},
                      {"limits", json_limits(stream.settings.limits)},
                      {"tags", json_object(tags)},
                      {"records", json(totals.records)},
                      {"bytes", json(totals.bytes)},
                      {"stored_bytes", json(statistics.stored_bytes)},
                      {"losses", json_array(stream.losses, json_loss)},
                      {"in", json_rates(figures.arrivals.stream)},
                      {"figures", json_figures(named_figures(figures))},
                      {"last_hour", json_last_hour(figures.traffic)},
                      {"shards", json_array(shards, [](const std::string& shard) { return shard; })},
                      {"consumers", json_consumers(figures.consumers)},
                      {"producers", json_producers(figures.producers)}}) +
         "\n";
}

}  // namespace shardlog::cli

#include "tools/stream-stats/figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace shardlog::cli {

namespace {

/// Absent if one of them is not known.
void add(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& more) {
  sum = sum && more ? std::optional(*sum + *more) : std::nullopt;
}

/// The trend of the last pages, or else that of the last minutes. A minute of pages does not show a slow one.
std::optional<double> trend_of(const Figures& figures, const ConsumerStatistics& consumer,
                               const std::optional<double>& of_minutes) {
  constexpr double slow = 0.05;  // of what comes in
  const bool is_slow = std::abs(of_minutes.value_or(0)) < slow * figures.traffic.in.last_minute.records;
  return !consumer.trend || (*consumer.trend == 0 && is_slow && of_minutes) ? of_minutes : consumer.trend;
}

std::map<ShardId, Utilisation> utilisations_of(const Figures& figures) {
  std::map<ShardId, Utilisation> utilisations;
  for (std::size_t place = 0; place < figures.statistics.shards.size(); ++place) {
    const Shard& shard = figures.statistics.shards[place].shard;
    if (shard.open()) utilisations.emplace(shard.id, utilisation_of(figures, place));
  }
  return utilisations;
}

}  // namespace

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

Utilisation utilisation_of(const Figures& figures, std::size_t place) {
  const auto& reads = figures.traffic.reads;
  const auto shard = reads.find(figures.statistics.shards.at(place).shard.id);
  const Rate read = shard == reads.end() ? Rate{} : shard->second;
  return utilisation_of(figures.arrivals.of_shard(place).last_minute, figures.settings().limits,
                        figures.traffic.is_known ? std::optional(read) : std::nullopt);
}

std::vector<metrics::Period> measured(Stream& stream, Timestamp from, Timestamp until) {
  return stream.capabilities().metrics ? stream.metrics().history(from, until) : std::vector<metrics::Period>{};
}

void add_traffic(Figures& figures, std::span<const metrics::Period> periods) {
  figures.traffic = traffic_of(periods, figures.now);
  complete(figures.arrivals, periods, figures.now);
  if (const auto& exact = figures.arrivals.stream.last_minute) {
    figures.traffic.in.last_minute = *exact;
  } else {
    figures.traffic.is_in_known = figures.traffic.is_known;
  }
  for (ConsumerFigures& each : figures.consumers) {
    ConsumerStatistics& statistics = each.statistics;
    if (const auto reader = figures.traffic.readers.find(statistics.consumer.uuid);
        reader != figures.traffic.readers.end()) {
      each.traffic = reader->second;
    }
    each.traffic.is_known = figures.traffic.is_known;
    statistics.trend = trend_of(figures, statistics, growth_of_backlog(periods, statistics, figures.now));
    each.age = age_of(statistics, figures.now);
    each.outlook = outlook_of(statistics, figures.now, figures.settings().retention);
  }
}

Figures figures_of(Stream& stream, const Subject& subject, Trends& trends, const Clock& clock) {
  // In this order: what is read later is at least as new, so the shard map has the shards of all leases.
  auto consumers = consumer_statistics(stream, subject.consumer);
  const Duration read_at = clock.elapsed();
  auto producers = stream.producers().all();
  StreamStatistics statistics = stream.maintenance().statistics(Detail::all);
  Figures figures{subject.name, std::move(statistics), clock.now(), stream.capabilities().survives};
  figures.producers = std::move(producers);
  figures.arrivals = arrivals_before(figures.now, stream.maintenance());
  trends.look(subject.address, consumers, read_at, figures.arrivals.stream.last_minute.value_or(Rate{}).records);
  for (ConsumerStatistics& each : consumers) figures.consumers.push_back({std::move(each)});
  constexpr std::chrono::minutes looked_back(minutes_shown + 2);
  add_traffic(figures, measured(stream, figures.now - looked_back, figures.now));
  figures.hot_keys = hot_keys(stream, utilisations_of(figures), figures.now);
  return figures;
}

}  // namespace shardlog::cli

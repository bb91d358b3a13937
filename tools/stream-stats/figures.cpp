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
  return utilisation_of(figures.arrivals.of_shard(place).last_minute, figures.settings().limits);
}

std::vector<metrics::Period> measured(Stream& stream, Timestamp from, Timestamp until) {
  return stream.capabilities().metrics ? stream.metrics().history(from, until) : std::vector<metrics::Period>{};
}

void add_traffic(Figures& figures, std::span<const metrics::Period> periods) {
  constexpr double least_share = 0.05;  // of what comes in: a trend below it is the noise of a consumer that keeps up
  figures.traffic = traffic_of(periods, figures.now);
  complete(figures.arrivals, periods, figures.now);
  if (const auto& exact = figures.arrivals.stream.last_minute) {
    figures.traffic.in.last_minute = *exact;
  }
  for (ConsumerFigures& each : figures.consumers) {
    ConsumerStatistics& statistics = each.statistics;
    const std::string& uuid = statistics.consumer.uuid;
    if (const auto reader = figures.traffic.readers.find(uuid); reader != figures.traffic.readers.end()) {
      each.traffic = reader->second;
    }
    each.traffic.is_known = figures.traffic.is_known;
    if (!statistics.trend) {
      statistics.trend = growth_of_backlog(periods, uuid, statistics.consumer.created_at, figures.now);
    }
    if (std::abs(statistics.trend.value_or(0)) < least_share * figures.traffic.in.last_minute.records) {
      statistics.trend = statistics.trend ? std::optional(0.0) : std::nullopt;
    }
    each.age = age_of(statistics, figures.now);
    each.outlook = outlook_of(statistics, figures.now, figures.settings().retention);
  }
}

Figures figures_of(Stream& stream, const Subject& subject, Trends& trends, const Clock& clock) {
  // In this order: what is read later is at least as new, so the shard map has the shards of all leases.
  auto consumers = consumer_statistics(stream, subject.consumer);
  trends.look(subject.address, consumers, clock.elapsed());
  auto producers = stream.producers().all();
  StreamStatistics statistics = stream.maintenance().statistics(Detail::all);
  Figures figures{subject.name, std::move(statistics), clock.now()};
  figures.producers = std::move(producers);
  for (ConsumerStatistics& each : consumers) figures.consumers.push_back({std::move(each)});
  figures.arrivals = arrivals_before(figures.now, stream.maintenance());
  constexpr std::chrono::minutes looked_back(minutes_shown + 2);
  add_traffic(figures, measured(stream, figures.now - looked_back, figures.now));
  return figures;
}

}  // namespace shardlog::cli

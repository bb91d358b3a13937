#include "tools/stream-stats/traffic.h"

#include <algorithm>
#include <chrono>

#include "tools/stream-stats/trend.h"

namespace shardlog::cli {

namespace {

constexpr std::chrono::minutes minute(1);
constexpr std::chrono::seconds until_reported(
    10);  // log/metrics.h: readers and writers add what they measure that often

/// Adds what a period has of something to the minutes that it lies in.
void add(Traffic& traffic, const metrics::Counts& counts, const metrics::Period& period, Timestamp now) {
  if (counts == metrics::Counts{}) return;
  constexpr double seconds = 60;
  const Timestamp this_minute = std::chrono::floor<std::chrono::minutes>(now);
  for (std::size_t i = 0; i + 1 < minutes_shown; ++i) {
    const Timestamp start = this_minute - minute * static_cast<int>(minutes_shown - 1 - i);
    traffic.last_hour[i] +=
        static_cast<double>(counts.records) * part_between(period, start, start + minute, now) / seconds;
  }
  const double part = part_between(period, now - minute, now, now) / seconds;
  traffic.last_minute.records += static_cast<double>(counts.records) * part;
  traffic.last_minute.bytes += static_cast<double>(counts.bytes) * part;
  traffic.last_minute.calls += static_cast<double>(counts.calls) * part;
  traffic.last_hour.back() = traffic.last_minute.records;
}

bool is_recent(const metrics::Period& period, Timestamp now) {
  return period.start + period.length > now - minute && period.start <= now;
}

std::uint64_t records_in(const metrics::Period& period) {
  std::uint64_t records = 0;
  for (const auto& [shard, counts] : period.measures.shards) records += counts.in.records;
  return records;
}

void look_for_damage(std::span<const metrics::Period> periods, Timestamp now, StreamTraffic& traffic) {
  for (const metrics::Period& period : periods) {
    if (!period.is_damaged) continue;
    traffic.is_damaged = true;
    traffic.is_known = traffic.is_known && !is_recent(period, now);
  }
  traffic.all_readers.is_known = traffic.is_known;
  for (auto& [uuid, reader] : traffic.readers) reader.is_known = traffic.is_known;
}

void finish(ReaderTraffic& traffic, const metrics::ReaderMeasures& recent) {
  traffic.read = latency_of(recent.read);
  traffic.propagation = latency_of(recent.propagation);
  traffic.age = latency_of(recent.age);
  traffic.skewed = recent.skewed;
}

}  // namespace

double Traffic::peak() const {
  return last_hour.empty() ? 0 : *std::max_element(last_hour.begin(), last_hour.end());
}

std::optional<Latency> latency_of(const metrics::Histogram& histogram) {
  if (histogram.empty()) return std::nullopt;
  return Latency{histogram.count(), histogram.percentile(0.5), histogram.percentile(0.99), histogram.max()};
}

double part_between(const metrics::Period& period, Timestamp from, Timestamp until, Timestamp now) {
  const Timestamp end = std::max(std::min(period.start + period.length, now), period.start + Duration(1));
  const Duration inside = std::min(end, until) - std::max(period.start, from);
  return inside <= Duration(0)
             ? 0
             : static_cast<double>(inside.count()) / static_cast<double>((end - period.start).count());
}

std::optional<double> growth_of_backlog(std::span<const metrics::Period> periods, const std::string& consumer_uuid,
                                        Timestamp since, Timestamp now) {
  constexpr int minutes_compared = 15;
  const Timestamp end = std::chrono::floor<std::chrono::minutes>(now - until_reported);
  std::vector<BacklogAt> looks{BacklogAt{}};
  bool is_idle = true;
  for (int ago = minutes_compared; ago > 0; --ago) {
    const Timestamp start = end - minute * ago;
    if (start < since) continue;
    BacklogAt& look = looks.emplace_back(BacklogAt{looks.back().records, looks.back().at + minute});
    for (const metrics::Period& period : periods) {
      const double part = part_between(period, start, start + minute, now);
      if (part == 0) continue;
      if (period.is_damaged) return std::nullopt;
      const auto reader = period.measures.readers.find(consumer_uuid);
      const std::uint64_t processed = reader == period.measures.readers.end() ? 0 : reader->second.processed;
      const std::uint64_t arrived = records_in(period);
      look.records += part * (static_cast<double>(arrived) - static_cast<double>(processed));
      is_idle = is_idle && arrived == 0 && processed == 0;
    }
  }
  return is_idle ? std::nullopt : trend_of(looks);
}

StreamTraffic traffic_of(std::span<const metrics::Period> periods, Timestamp now) {
  StreamTraffic traffic;
  metrics::Histogram put;
  metrics::ReaderMeasures of_all;
  std::map<std::string, metrics::ReaderMeasures> recent;
  for (const metrics::Period& period : periods) {
    metrics::ShardCounts counts;
    for (const auto& [shard, each] : period.measures.shards) counts += each;
    add(traffic.in, counts.in, period, now);
    add(traffic.all_readers.out, counts.out, period, now);
    add(traffic.throttled, counts.throttled, period, now);
    add(traffic.dropped, counts.dropped, period, now);
    add(traffic.all_readers.throttled, counts.reads_throttled, period, now);
    for (const auto& [reader, measures] : period.measures.readers) {
      ReaderTraffic& own = traffic.readers[reader];
      add(own.out, measures.out, period, now);
      add(own.throttled, measures.throttled, period, now);
      if (!is_recent(period, now)) continue;
      recent[reader] += measures;
      of_all += measures;
    }
    if (is_recent(period, now)) put.add(period.measures.put);
  }
  traffic.put = latency_of(put);
  finish(traffic.all_readers, of_all);
  for (const auto& [reader, measures] : recent) finish(traffic.readers[reader], measures);
  look_for_damage(periods, now, traffic);
  return traffic;
}

}  // namespace shardlog::cli

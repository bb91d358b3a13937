#include "tools/stream-stats/traffic.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "tools/stream-stats/trend.h"

namespace shardlog::cli {

namespace {

constexpr std::chrono::minutes minute(1);
/// log/metrics.h: readers and writers add what they measure that often.
constexpr std::chrono::seconds until_reported(10);

Rate rate_of(const metrics::Counts& counts, double part) {
  constexpr double seconds = 60;
  return {static_cast<double>(counts.records) * part / seconds, static_cast<double>(counts.bytes) * part / seconds,
          static_cast<double>(counts.calls) * part / seconds};
}

void add(Rate& to, const Rate& rate) {
  to.records += rate.records;
  to.bytes += rate.bytes;
  to.calls += rate.calls;
}

/// The end of the newest whole minute of the clock that programs have reported all of.
Timestamp end_of_reported(Timestamp now) {
  return std::chrono::floor<std::chrono::minutes>(now - until_reported);
}

/// Adds what a period has of something to the minutes that it lies in.
void add(Traffic& traffic, const metrics::Counts& counts, const metrics::Period& period, Timestamp now) {
  if (counts == metrics::Counts{}) return;
  const Timestamp this_minute = std::chrono::floor<std::chrono::minutes>(now);
  for (std::size_t i = 0; i < minutes_shown; ++i) {
    const Timestamp start = this_minute - minute * static_cast<int>(minutes_shown - i);
    traffic.last_hour[i] += rate_of(counts, part_between(period, start, start + minute, now)).records;
  }
  add(traffic.last_minute, rate_of(counts, part_between(period, now - minute, now, now)));
}

/// What programs measure and report up to 10 seconds later.
class Reported {
 public:
  void add(const metrics::Counts& counts, const metrics::Period& period, Timestamp now) {
    const Timestamp end = end_of_reported(now);
    cli::add(traffic_, counts, period, now);
    cli::add(whole_minute_, rate_of(counts, part_between(period, end - minute, end, now)));
  }

  [[nodiscard]] Traffic traffic() const {
    Traffic traffic = traffic_;
    if (whole_minute_ != Rate{}) traffic.last_minute = whole_minute_;
    return traffic;
  }

 private:
  Traffic traffic_;
  Rate whole_minute_;
};

bool is_recent(const metrics::Period& period, Timestamp now) {
  return period.start + period.length > now - minute && period.start <= now;
}

/// Records that came into the backlog of a consumer, and that left it.
struct Flow {
  double arrived = 0;
  double processed = 0;
};

/// Nullopt if some of it cannot be read.
std::optional<Flow> flow_between(std::span<const metrics::Period> periods, const std::string& consumer_uuid,
                                 Timestamp from, Timestamp until, Timestamp now) {
  Flow flow;
  for (const metrics::Period& period : periods) {
    const double part = part_between(period, from, until, now);
    if (part == 0) continue;
    if (period.is_damaged) return std::nullopt;
    for (const auto& [shard, counts] : period.measures.shards) {
      flow.arrived += part * static_cast<double>(counts.in.records);
    }
    const auto reader = period.measures.readers.find(consumer_uuid);
    if (reader == period.measures.readers.end()) continue;
    flow.processed += part * static_cast<double>(reader->second.processed);
  }
  return flow;
}

/// Whether whole periods lie between two times in which something came in.
bool is_busy(std::span<const metrics::Period> periods, Timestamp from, Timestamp until) {
  return std::any_of(periods.begin(), periods.end(), [&](const metrics::Period& period) {
    const auto& shards = period.measures.shards;
    return period.start >= from && period.start + period.length <= until &&
           std::any_of(shards.begin(), shards.end(), [](const auto& each) { return each.second.in.records > 0; });
  });
}

/// See growth_of_backlog().
Timestamp end_of_looks(std::span<const metrics::Period> periods, const ConsumerStatistics& consumer, Timestamp now) {
  for (auto period = periods.rbegin(); period != periods.rend() && consumer.oldest; ++period) {
    const auto reader = period->measures.readers.find(consumer.consumer.uuid);
    if (reader == period->measures.readers.end() || reader->second.age.empty()) continue;
    constexpr int exactness = 50;  // a histogram is less than 1 % off
    const Duration least_age = reader->second.age.percentile(0);
    const Timestamp end = std::min(period->start + period->length, now);
    return is_busy(periods, end - least_age + least_age / exactness, *consumer.oldest) ? end : now;
  }
  return now;
}

void look_for_damage(std::span<const metrics::Period> periods, Timestamp now, StreamTraffic& traffic) {
  for (const metrics::Period& period : periods) {
    if (!period.is_damaged) continue;
    traffic.is_damaged = true;
    const bool is_old = period.start + period.length <= end_of_reported(now) - minute;
    traffic.is_known = traffic.is_known && is_old;
  }
  traffic.all_readers.is_known = traffic.is_known;
  for (auto& [uuid, reader] : traffic.readers) reader.is_known = traffic.is_known;
}

}  // namespace

double Traffic::peak() const {
  return std::accumulate(last_hour.begin(), last_hour.end(), last_minute.records,
                         [](double a, double b) { return std::max(a, b); });
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

void complete(Arrivals& arrivals, std::span<const metrics::Period> periods, Timestamp now) {
  constexpr std::chrono::minutes looked_back(15);
  const auto is_damaged = [](const metrics::Period& period) { return period.is_damaged; };
  if (periods.empty() || std::any_of(periods.begin(), periods.end(), is_damaged)) return;
  Rate all;
  Rate busiest;
  std::vector<Rate> shards(arrivals.shards.size());
  for (const metrics::Period& period : periods) {
    const double part = part_between(period, now - minute, now, now);
    Rate in_period;
    for (const auto& [shard, counts] : period.measures.shards) {
      add(in_period, rate_of(counts.in, 1));
      add(all, rate_of(counts.in, part));
      if (shard.number() < shards.size()) add(shards[shard.number()], rate_of(counts.in, part));
    }
    if (period.start < now - looked_back) continue;
    busiest = {std::max(busiest.records, in_period.records), std::max(busiest.bytes, in_period.bytes),
               std::max(busiest.calls, in_period.calls)};
  }
  const auto fill_in = [](std::optional<Rate>& rate, const Rate& measured) { rate = rate.value_or(measured); };
  fill_in(arrivals.stream.last_minute, all);
  fill_in(arrivals.busiest_minute, busiest);
  for (std::size_t i = 0; i < shards.size(); ++i) fill_in(arrivals.shards[i].last_minute, shards[i]);
}

std::optional<double> growth_of_backlog(std::span<const metrics::Period> periods, const ConsumerStatistics& consumer,
                                        Timestamp now) {
  constexpr std::size_t minutes_compared = 15;
  if (!consumer.backlog) return std::nullopt;
  std::vector<BacklogAt> looks;
  Flow all;
  Timestamp end = end_of_looks(periods, consumer, now);
  looks.push_back({static_cast<double>(*consumer.backlog), end.time_since_epoch()});
  Timestamp start = std::chrono::ceil<std::chrono::minutes>(end) - minute;
  for (; looks.size() <= minutes_compared && start >= consumer.consumer.created_at; end = start, start -= minute) {
    const auto flow = flow_between(periods, consumer.consumer.uuid, start, end, now);
    if (!flow) return std::nullopt;
    all.arrived += flow->arrived;
    all.processed += flow->processed;
    looks.push_back({std::max(looks.back().records - flow->arrived + flow->processed, 0.0), start.time_since_epoch()});
  }
  if (all.arrived == 0 && all.processed == 0) return std::nullopt;
  std::reverse(looks.begin(), looks.end());
  const double part_unreported = std::chrono::duration<double>(until_reported) / (looks.back().at - looks.front().at);
  return trend_of(looks, all.arrived * part_unreported);
}

StreamTraffic traffic_of(std::span<const metrics::Period> periods, Timestamp now) {
  struct OfReader {
    Reported out;
    Reported throttled;
    metrics::ReaderMeasures recent;
  };
  StreamTraffic traffic;
  Reported throttled;
  Reported dropped;
  OfReader all;
  metrics::Histogram put;
  std::map<std::string, OfReader> readers;
  const Timestamp reported = end_of_reported(now);
  for (const metrics::Period& period : periods) {
    metrics::ShardCounts counts;
    const double part = part_between(period, reported - minute, reported, now);
    for (const auto& [shard, each] : period.measures.shards) {
      counts += each;
      if (part > 0) add(traffic.reads[shard], rate_of(each.out, part));
    }
    add(traffic.in, counts.in, period, now);
    throttled.add(counts.throttled, period, now);
    dropped.add(counts.dropped, period, now);
    all.out.add(counts.out, period, now);
    all.throttled.add(counts.reads_throttled, period, now);
    for (const auto& [uuid, measures] : period.measures.readers) {
      OfReader& reader = readers[uuid];
      reader.out.add(measures.out, period, now);
      reader.throttled.add(measures.throttled, period, now);
      if (!is_recent(period, now)) continue;
      reader.recent += measures;
      all.recent += measures;
    }
    if (is_recent(period, now)) put.add(period.measures.put);
  }
  const auto traffic_of_reader = [](const OfReader& reader) {
    const metrics::ReaderMeasures& recent = reader.recent;
    return ReaderTraffic{reader.out.traffic(),           reader.throttled.traffic(), latency_of(recent.read),
                         latency_of(recent.propagation), latency_of(recent.age),     recent.skewed};
  };
  traffic.throttled = throttled.traffic();
  traffic.dropped = dropped.traffic();
  traffic.put = latency_of(put);
  traffic.all_readers = traffic_of_reader(all);
  for (const auto& [uuid, reader] : readers) traffic.readers.emplace(uuid, traffic_of_reader(reader));
  look_for_damage(periods, now, traffic);
  return traffic;
}

}  // namespace shardlog::cli

#include "tools/stream-stats/named_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tools/common/json_text.h"
#include "tools/common/units.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::optional<double> number(const std::optional<std::uint64_t>& count) {
  return count ? std::optional(static_cast<double>(*count)) : std::nullopt;
}

/// A value from what was measured; absent if some of that cannot be read.
std::optional<double> known(bool is_known, double value) {
  return is_known ? std::optional(value) : std::nullopt;
}

void add(std::vector<NamedFigure>& to, const std::string& name, std::string_view meaning,
         const std::optional<Latency>& latency) {
  const auto part = [&](const char* end, Duration Latency::*member) {
    const auto value = latency ? std::optional(seconds_of((*latency).*member)) : std::nullopt;
    to.push_back({name + end, Unit::duration, meaning, value});
  };
  part("_p50", &Latency::p50);
  part("_p99", &Latency::p99);
  part("_max", &Latency::max);
}

void add(std::vector<NamedFigure>& to, const ReaderTraffic& traffic) {
  const Rate& out = traffic.out.last_minute;
  to.push_back(
      {"outgoing_records", Unit::records_a_second, "records that were read", known(traffic.is_known, out.records)});
  to.push_back(
      {"outgoing_bytes", Unit::bytes_a_second, "data and keys that were read", known(traffic.is_known, out.bytes)});
  to.push_back({"outgoing_reads", Unit::calls_a_second, "read requests that returned something",
                known(traffic.is_known, out.calls)});
  to.push_back({"read_provisioned_throughput_exceeded", Unit::calls_a_second,
                "read requests that had to wait for capacity",
                known(traffic.is_known, traffic.throttled.last_minute.calls)});
  const auto latency = [&](const std::optional<Latency>& each) { return traffic.is_known ? each : std::nullopt; };
  add(to, "get_records_latency", "how long a read request took", latency(traffic.read));
  add(to, "propagation_delay", "arrival to read, by readers that had reached the tail", latency(traffic.propagation));
  add(to, "iterator_age", "arrival to read, by all readers", latency(traffic.age));
  to.push_back({"skewed_records", Unit::count, "records that were read before they arrived, by the clocks",
                known(traffic.is_known, static_cast<double>(traffic.skewed))});
}

/// The most that any consumer has; absent if there is no consumer, or one does not know.
template <typename Value>
std::optional<double> most(const std::vector<ConsumerFigures>& consumers, const Value& value) {
  std::optional<double> worst;
  for (const ConsumerFigures& each : consumers) {
    const std::optional<double> one = value(each);
    if (!one) return std::nullopt;
    worst = std::max(worst, one);
  }
  return worst;
}

std::optional<double> backlog_of(const ConsumerFigures& consumer) {
  return number(consumer.statistics.backlog);
}

std::optional<double> busiest_shard(const Figures& figures, std::optional<double> (Utilisation::*used)() const) {
  std::optional<double> busiest;
  for (std::size_t place = 0; place < figures.statistics.shards.size(); ++place) {
    busiest = std::max(busiest, (utilisation_of(figures, place).*used)());
  }
  return busiest;
}

void add_holdings(std::vector<NamedFigure>& to, const Figures& figures) {
  const Totals totals = totals_of(figures.statistics);
  to.push_back({"open_shards", Unit::count, "shards that take records",
                static_cast<double>(figures.statistics.description.map.open_shards().size())});
  to.push_back({"records", Unit::count, "records that can be read", number(totals.records)});
  to.push_back({"bytes", Unit::bytes, "data and keys of the records that can be read", number(totals.bytes)});
  to.push_back({"stored_bytes", Unit::bytes, "space that the stream takes", number(figures.statistics.stored_bytes)});
  const Duration retention = figures.settings().retention;
  to.push_back({"retention", Unit::duration, "how long records are kept",
                retention == forever ? std::nullopt : std::optional(seconds_of(retention))});
  to.push_back({"utilisation", Unit::percent, "how much of its limits of writing the busiest shard used",
                busiest_shard(figures, &Utilisation::most)});
  to.push_back({"read_utilisation", Unit::percent, "how much of its limits of reading the busiest shard used",
                busiest_shard(figures, &Utilisation::reading)});
}

}  // namespace

std::vector<NamedFigure> named_figures(const Figures& figures) {
  std::vector<NamedFigure> all;
  const StreamTraffic& traffic = figures.traffic;
  const Rate& in = traffic.in.last_minute;
  const bool is_in_known = traffic.is_in_known;
  all.push_back(
      {"incoming_records", Unit::records_a_second, "records that were stored", known(is_in_known, in.records)});
  all.push_back(
      {"incoming_bytes", Unit::bytes_a_second, "data and keys that were stored", known(is_in_known, in.bytes)});
  all.push_back({"incoming_appends", Unit::calls_a_second, "commits that stored records in a shard",
                 known(is_in_known, in.calls)});
  all.push_back({"write_provisioned_throughput_exceeded", Unit::records_a_second,
                 "records that had to wait for capacity or found none",
                 known(traffic.is_known, traffic.throttled.last_minute.records)});
  all.push_back({"dropped_records", Unit::records_a_second, "records that a throttled writer dropped",
                 known(traffic.is_known, traffic.dropped.last_minute.records)});
  add(all, "put_records_latency", "a record read by its writer to its being durable",
      traffic.is_known ? traffic.put : std::nullopt);
  add(all, traffic.all_readers);
  all.push_back(
      {"backlog", Unit::count, "records that a consumer has not processed", most(figures.consumers, backlog_of)});
  all.push_back({"age", Unit::duration, "age of the oldest record that a consumer has not processed",
                 most(figures.consumers, [](const auto& each) { return std::optional(seconds_of(each.age)); })});
  add_holdings(all, figures);
  return all;
}

std::vector<NamedFigure> named_figures(const ConsumerFigures& consumer) {
  std::vector<NamedFigure> all;
  all.push_back({"backlog", Unit::count, "records that a consumer has not processed", backlog_of(consumer)});
  all.push_back(
      {"age", Unit::duration, "age of the oldest record that a consumer has not processed", seconds_of(consumer.age)});
  all.push_back(
      {"trend", Unit::records_a_second, "how fast the backlog of a consumer grows", consumer.statistics.trend});
  all.push_back(
      {"workers", Unit::count, "workers that read for a consumer", static_cast<double>(consumer.statistics.workers)});
  add(all, consumer.traffic);
  return all;
}

std::string value_text(double value, Unit unit) {
  const auto rounded = static_cast<std::uint64_t>(std::llround(std::max(value, 0.0)));
  switch (unit) {
    case Unit::count:
      return format_count(rounded);
    case Unit::bytes:
      return format_size(rounded);
    case Unit::records_a_second:
    case Unit::calls_a_second:
      return (value < 0 ? "-" : "") + rate_text(std::abs(value)) + "/s";
    case Unit::bytes_a_second:
      return byte_rate_text(value) + "/s";
    case Unit::duration:
      return latency_text(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value)));
    case Unit::percent:
      return fmt::format("{:.0f}%", value);
  }
  return "";
}

std::string json_figures(const std::vector<NamedFigure>& figures) {
  constexpr double millionths = 1e6;
  std::vector<std::pair<std::string, std::string>> members;
  members.reserve(figures.size());
  for (const NamedFigure& each : figures) {
    members.emplace_back(each.name,
                         each.value ? fmt::format("{}", std::round(*each.value * millionths) / millionths) : "null");
  }
  return json_object(members);
}

}  // namespace shardlog::cli

#include "tools/stream-stats/latency_page.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/core/printable.h"
#include "tools/common/units.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

std::vector<std::string> row_of(const std::string& name, const std::optional<Latency>& latency,
                                const std::string& meaning) {
  if (!latency) return {name, "-", "-", "-", meaning};
  return {name, latency_text(latency->p50), latency_text(latency->p99), latency_text(latency->max), meaning};
}

std::string p99_text(const std::optional<Latency>& latency) {
  return latency ? latency_text(latency->p99) : "-";
}

std::string skew_text(std::uint64_t skewed) {
  if (skewed == 0) return "";
  return fmt::format("skew         {} read before they arrived: clocks differ\n", format_count(skewed, "record"));
}

}  // namespace

std::string format_latencies(const StreamTraffic& traffic, const Screen& screen) {
  const ReaderTraffic& readers = traffic.all_readers;
  if (!traffic.is_known) return "latency      not known: what was measured is damaged\n";
  if (!traffic.put && !readers.read && !readers.propagation && !readers.age) {
    return "latency      nothing measured in the last minute\n";
  }
  Rows rows{row_of("producer", traffic.put, "read from stdin to durable"),
            row_of("propagation", readers.propagation, "arrival to read, at the tail"),
            row_of("consumer", readers.read, "one read"),
            row_of("age at read", readers.age, "arrival to read, also far from the tail")};
  const std::vector<Column> columns{
      {"latency"}, {"p50", right, 2}, {"p99", right, 3}, {"max", right, 4}, {"last minute", left, 1}};
  return format_table(columns, std::move(rows), screen.width) + skew_text(readers.skewed);
}

std::string format_all_latencies(const Figures& figures, const Screen& screen) {
  std::string text = format_latencies(figures.traffic, screen);
  if (figures.consumers.empty() || !figures.traffic.is_known) return text;
  Rows rows;
  for (const ConsumerFigures& each : figures.consumers) {
    const ReaderTraffic& traffic = each.traffic;
    rows.push_back({printable(each.statistics.consumer.name), p99_text(traffic.propagation), p99_text(traffic.read),
                    p99_text(traffic.age)});
  }
  const std::vector<Column> columns{
      {"p99 of consumer"}, {"propagation", right, 3}, {"consumer", right, 1}, {"age at read", right, 2}};
  return text + "\n" + format_table(columns, std::move(rows), screen.width);
}

}  // namespace shardlog::cli

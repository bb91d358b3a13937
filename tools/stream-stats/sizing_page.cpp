#include "tools/stream-stats/sizing_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "shardlog/capacity/sizing.h"
#include "shardlog/core/error.h"
#include "shardlog/core/shard.h"
#include "tools/common/json_text.h"
#include "tools/common/units.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using capacity::Demand;
using capacity::Limits;
using capacity::MachineRate;
using capacity::ShardsNeeded;

/// What one machine stores a second, synced: 2 cores and a virtual disk, 100-byte records from JSON with 64 shards and
/// 10,000 keys, and lines without compression (tests/bench/README.md). It is not measured when somebody asks, because
/// that would take the disk and the processors from those who use the stream.
constexpr MachineRate machine{2.5e6, 350.0 * (1UL << 20)};

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::usage, "--sizing: " + reason + ": give records and bytes, as in --for 5000/s,2MiB/s");
}

/// Bytes of data and keys of a record that the stream holds.
double mean_size(const StreamStatistics& statistics) {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  for (const ShardStatistics& shard : statistics.shards) {
    records += shard.records.value_or(0);
    bytes += shard.bytes.value_or(0);
  }
  if (records == 0) refuse("the stream holds no records that would tell the mean size");
  if (bytes == 0) refuse("all records of the stream are empty");
  return static_cast<double>(bytes) / static_cast<double>(records);
}

Demand demand_of(const Figures& figures, const std::optional<Load>& given) {
  const auto consumers = std::max<std::uint64_t>(figures.consumers.size(), 1);
  if (given) {
    const double size = given->records && given->bytes ? 0 : mean_size(figures.statistics);
    return {given->records ? *given->records : *given->bytes / size,
            given->bytes ? *given->bytes : *given->records * size, given->consumers.value_or(consumers)};
  }
  const auto& seen = figures.arrivals.busiest_minute;
  if (!seen) refuse("what came in during the last 15 minutes is not known");
  if (seen->records == 0) refuse("nothing was put in the last 15 minutes");
  return {seen->records, seen->bytes, consumers};
}

/// Words under each other, after a label in front of the first line.
std::string paragraph(const std::string& label, std::string_view text, std::size_t width) {
  constexpr std::size_t indent = 11;
  std::string result;
  std::string line = fmt::format("{:<{}}", label, indent - 1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (line.size() + 1 + end - at > width && line.size() >= indent) {
      result += line + "\n";
      line = std::string(indent - 1, ' ');
    }
    line += " " + std::string(text.substr(at, end - at));
    at = end + 1;
  }
  return result + line + "\n";
}

std::string format_load(const Demand& demand, bool given, std::size_t width) {
  const std::string load = fmt::format("{} records/s, {}/s, read by {}", rate_text(demand.records),
                                       byte_rate_text(demand.bytes), format_count(demand.readers, "consumer"));
  return paragraph("load", load + (given ? "" : " (the busiest minute of the last 15)"), width);
}

std::string limit_text(const std::optional<std::uint64_t>& limit, bool bytes) {
  return limit ? (bytes ? format_size(*limit) : format_count(*limit)) + "/s" : "-";
}

/// What to do if it is more than a stream can have, and what makes it less.
std::string advice(const ShardsNeeded& needed) {
  std::string text = format_count(needed.total(), "shard");
  if (needed.total() > max_shards) {
    text += fmt::format(", more than the {} of a stream: spread the keys over {}", format_count(max_shards),
                        format_count((needed.total() + max_shards - 1) / max_shards, "stream"));
  }
  if (needed.aggregated() < needed.total()) {
    text += fmt::format("; {} if producers pack many records into one", format_count(needed.aggregated()));
  }
  return text;
}

std::string format_needs(const std::string& owner, const Limits& limits, const Demand& demand, std::size_t width) {
  using enum Column::Side;
  const ShardsNeeded needed = capacity::shards_for(demand, limits);
  const std::string reading = demand.readers == 1 ? "bytes read" : format_count(demand.readers) + " times bytes read";
  return "\n" +
         format_table({{"limits of " + owner}, {"a shard", right, 1}, {"shards", right, 2}},
                      {{"records written", limit_text(limits.write_records, false), format_count(needed.for_records)},
                       {"bytes written", limit_text(limits.write_bytes, true), format_count(needed.for_bytes)},
                       {reading, limit_text(limits.read_bytes, true), format_count(needed.for_readers)}},
                      width) +
         paragraph("needs", advice(needed), width);
}

std::string format_machines(const Demand& demand, std::size_t width) {
  const std::uint64_t machines = capacity::machines_for(demand, machine);
  std::string text = fmt::format(
      "{}, {}used to 70% of {} records/s and {}/s: 2 cores and a virtual disk stored that; tests/bench/run measures "
      "yours",
      format_count(machines), machines == 1 ? "" : "each ", rate_text(machine.records), byte_rate_text(machine.bytes));
  if (machines > 1) text += ". A stream is on one machine: make a stream on each";
  return "\n" + paragraph(machines == 1 ? "machine" : "machines", text, width);
}

/// If they have a say in how many shards are needed, and are not those of Kinesis.
bool count_too(const Limits& limits) {
  return (limits.write_records || limits.write_bytes || limits.read_bytes) && limits != capacity::kinesis_limits();
}

std::string json_needs(const ShardsNeeded& needed) {
  return json_object({{"for_records", json(needed.for_records)},
                      {"for_bytes", json(needed.for_bytes)},
                      {"for_consumers", json(needed.for_readers)},
                      {"shards", json(needed.total())},
                      {"shards_if_packed", json(needed.aggregated())}});
}

}  // namespace

std::string format_sizing(const Figures& figures, const std::optional<Load>& given, std::size_t width) {
  const Demand demand = demand_of(figures, given);
  const std::size_t open = figures.statistics.description.map.open_shards().size();
  std::string text = format_load(demand, given.has_value(), width);
  text += paragraph("shards", format_count(open) + " open", width);
  text += format_needs("Kinesis", capacity::kinesis_limits(), demand, width);
  if (count_too(figures.settings().limits))
    text += format_needs("the stream", figures.settings().limits, demand, width);
  return text + format_machines(demand, width);
}

std::string json_sizing(const Figures& figures, const std::optional<Load>& given) {
  const Demand demand = demand_of(figures, given);
  const Limits& own = figures.settings().limits;
  return json_object({{"stream", json(figures.name)},
                      {"load", json_object({{"given", json(given.has_value())},
                                            {"records_per_second", json_number(demand.records)},
                                            {"bytes_per_second", json_number(demand.bytes)},
                                            {"consumers", json(demand.readers)}})},
                      {"open_shards", json(figures.statistics.description.map.open_shards().size())},
                      {"kinesis", json_needs(capacity::shards_for(demand, capacity::kinesis_limits()))},
                      {"own_limits", count_too(own) ? json_needs(capacity::shards_for(demand, own)) : "null"},
                      {"machines", json(capacity::machines_for(demand, machine))},
                      {"machine", json_object({{"records_per_second", json_number(machine.records)},
                                               {"bytes_per_second", json_number(machine.bytes)}})}}) +
         "\n";
}

}  // namespace shardlog::cli

#include "tools/stream-stats/consumer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "shardlog/core/checkpoint.h"
#include "shardlog/core/printable.h"
#include "tools/common/json_text.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/screen.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

/// 0 if the clock has been set back.
Duration age_of(Timestamp oldest, Timestamp now) {
  return std::max(now - oldest, Duration(0));
}

std::string workers_text(std::size_t workers) {
  return workers == 0 ? "no worker" : format_count(workers, "worker");
}

std::string worker_text(const ConsumerStatistics::Worker& worker) {
  return fmt::format("{}{}{}", printable(worker.name), worker.process.empty() ? "" : ", " + printable(worker.process),
                     worker.gone ? ", gone" : "");
}

/// The worker that reads a shard, or why none does.
std::string reader_text(const ConsumerStatistics::Part& part) {
  if (!part.lease) return "waits for its parents";
  if (std::holds_alternative<ShardEnd>(part.lease->checkpoint)) return "done";
  std::string text = part.owner ? worker_text(*part.owner) : "-";
  if (part.claimant) text += "; claimed by " + worker_text(*part.claimant);
  return text;
}

std::string json_worker(const std::optional<ConsumerStatistics::Worker>& worker) {
  if (!worker) return "null";
  return json_object({{"worker", json(worker->name)},
                      {"process", worker->process.empty() ? "null" : json(worker->process)},
                      {"gone", json(worker->gone)}});
}

/// Whether the consumer keeps up, as far as one or two looks can tell.
std::string words_of(const ConsumerStatistics& consumer) {
  if (consumer.backlog == 0U) return "caught up";
  if (consumer.workers == 0) return "no worker";
  const auto rate = static_cast<std::uint64_t>(std::lround(std::abs(consumer.trend.value_or(0))));
  if (rate == 0) return "";
  return fmt::format("{} by {}/s", *consumer.trend > 0 ? "falling behind" : "catching up", format_count(rate));
}

std::string json_part(const ConsumerStatistics::Part& part) {
  const auto& lease = part.lease;
  return json_object({{"shard", json(part.shard)},
                      {"backlog", json(part.backlog)},
                      {"checkpoint", lease ? json(to_string(lease->checkpoint)) : "null"},
                      {"generation", lease ? json(lease->generation) : "null"},
                      {"epoch", lease ? json(lease->epoch) : "null"},
                      {"owner", json_worker(part.owner)},
                      {"claimant", json_worker(part.claimant)}});
}

std::string json_consumer(const ConsumerStatistics& statistics, Timestamp now) {
  const Consumer& consumer = statistics.consumer;
  return json_object({{"consumer", json(consumer.name)},
                      {"uuid", json(consumer.uuid)},
                      {"generation", json(consumer.generation)},
                      {"created", json(consumer.created_at)},
                      {"workers", json(statistics.workers)},
                      {"backlog", json(statistics.backlog)},
                      {"oldest", json(statistics.oldest)},
                      {"age_seconds", statistics.oldest ? json_seconds(age_of(*statistics.oldest, now)) : "null"},
                      {"trend", statistics.trend ? fmt::format("{:.1f}", *statistics.trend) : "null"},
                      {"shards", json_array(statistics.parts, json_part)}});
}

}  // namespace

std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now, std::size_t width) {
  if (consumers.empty()) return "no consumers\n";
  Rows rows;
  for (const ConsumerStatistics& each : consumers) {
    rows.push_back({printable(each.consumer.name), each.workers == 0 ? "-" : format_count(each.workers),
                    count_text(each.backlog), each.oldest ? age_text(age_of(*each.oldest, now)) : "-", words_of(each)});
  }
  return format_table({{"consumer"}, {"workers", right, 1}, {"backlog", right, 4}, {"age", right, 3}, {"", left, 2}},
                      std::move(rows), width);
}

std::string format_consumer(const ConsumerStatistics& consumer, Timestamp now, std::size_t width) {
  const std::string words = words_of(consumer);
  std::string text =
      fmt::format("backlog     {}{}{}\n", count_text(consumer.backlog, "record"),
                  consumer.oldest ? ", the oldest " + age_text(age_of(*consumer.oldest, now)) + " old" : "",
                  consumer.trend && !words.empty() ? ", " + words : "");
  text += fmt::format("shards      {}, {}\n\n", format_count(consumer.parts.size()),
                      consumer.owned == 0 ? "none owned"
                                          : fmt::format("{} owned by {}", format_count(consumer.owned),
                                                        workers_text(consumer.workers)));
  Rows rows;
  for (const auto& part : consumer.parts) {
    rows.push_back({shard_text(part.shard, width), count_text(part.backlog),
                    part.lease ? to_string(part.lease->checkpoint) : "-",
                    part.lease ? std::to_string(part.lease->epoch) : "-", shortened(reader_text(part), width / 2)});
  }
  text += format_table(
      {{"shard", right}, {"backlog", right, 4}, {"checkpoint", left, 2}, {"epoch", right, 1}, {"owner", left, 3}},
      std::move(rows), width);
  text += fmt::format("\nconsumer    {}\n", shortened(printable(consumer.consumer.name), width - 12));
  text += fmt::format("generation  {}\n", consumer.consumer.generation);
  text += fmt::format("created     {}\n", to_local_rfc3339(consumer.consumer.created_at));
  return text + fmt::format("uuid        {}\n", printable(consumer.consumer.uuid));
}

std::string format_producers(const std::vector<Producer>& producers, std::size_t width) {
  if (producers.empty()) return "no producers\n";
  Rows rows;
  for (const Producer& each : producers) {
    rows.push_back({printable(each.id.name), each.id.source.empty() ? "-" : printable(each.id.source),
                    each.position.sequence.to_string(), to_local_rfc3339(each.moved_at)});
  }
  return format_table({{"producer"}, {"source", left, 2}, {"position", right, 3}, {"moved", left, 1}}, std::move(rows),
                      width);
}

std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now) {
  return json_array(consumers, [now](const ConsumerStatistics& each) { return json_consumer(each, now); });
}

std::string json_producers(const std::vector<Producer>& producers) {
  return json_array(producers, [](const Producer& each) {
    return json_object({{"producer", json(each.id.name)},
                        {"source", json(each.id.source)},
                        {"position", json(each.position.sequence)},
                        {"moved", json(each.moved_at)}});
  });
}

}  // namespace shardlog::cli

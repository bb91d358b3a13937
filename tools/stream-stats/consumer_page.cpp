#include "tools/stream-stats/consumer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "shardlog/core/checkpoint.h"
#include "shardlog/core/printable.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/table.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

/// 0 where the clock has been set back.
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

/// Who reads a shard, or why nobody does.
std::string reader_text(const ConsumerStatistics::Part& part) {
  if (!part.lease) return "waits for its parents";
  if (std::holds_alternative<ShardEnd>(part.lease->checkpoint)) return "done";
  std::string text = part.owner ? worker_text(*part.owner) : "-";
  if (part.claimant) text += "; claimed by " + worker_text(*part.claimant);
  return text;
}

std::string json_worker(const std::optional<ConsumerStatistics::Worker>& worker) {
  if (!worker) return "null";
  return fmt::format(R"({{"worker":{},"process":{},"gone":{}}})", json_string(worker->name),
                     worker->process.empty() ? "null" : json_string(worker->process), worker->gone);
}

/// Whether it keeps up, as far as one look or two can tell.
std::string words_of(const ConsumerStatistics& consumer) {
  if (consumer.backlog == 0U) return "caught up";
  if (consumer.workers == 0) return "no worker";
  const auto rate = static_cast<std::uint64_t>(std::lround(std::abs(consumer.trend.value_or(0))));
  if (rate == 0) return "";
  return fmt::format("{} by {}/s", *consumer.trend > 0 ? "falling behind" : "catching up", format_count(rate));
}

std::string json_part(const ConsumerStatistics::Part& part) {
  const std::string shard =
      fmt::format(R"({{"shard":"{}","backlog":{})", part.shard.to_string(), json_count(part.backlog));
  if (!part.lease) {
    return shard + R"(,"checkpoint":null,"generation":null,"epoch":null,"owner":null,"claimant":null})";
  }
  return shard + fmt::format(R"(,"checkpoint":"{}","generation":{},"epoch":{},"owner":{},"claimant":{}}})",
                             to_string(part.lease->checkpoint), part.lease->generation, part.lease->epoch,
                             json_worker(part.owner), json_worker(part.claimant));
}

}  // namespace

std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now, std::size_t width) {
  if (consumers.empty()) return "no consumers\n";
  Column name{"consumer"};
  Column workers{"workers", Column::Side::right, 1};
  Column backlog{"backlog", Column::Side::right, 4};
  Column age{"age", Column::Side::right, 3};
  Column words{"", Column::Side::left, 2};
  for (const ConsumerStatistics& each : consumers) {
    name.cells.push_back(printable(each.consumer.name));
    workers.cells.push_back(each.workers == 0 ? "-" : format_count(each.workers));
    backlog.cells.push_back(count_text(each.backlog));
    age.cells.push_back(each.oldest ? age_text(age_of(*each.oldest, now)) : "-");
    words.cells.push_back(words_of(each));
  }
  return format_table({name, workers, backlog, age, words}, width);
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
  Column shard{"shard", Column::Side::right};
  Column backlog{"backlog", Column::Side::right, 4};
  Column owner{"owner", Column::Side::left, 3};
  Column checkpoint{"checkpoint", Column::Side::left, 2};
  Column epoch{"epoch", Column::Side::right, 1};
  for (const auto& part : consumer.parts) {
    shard.cells.push_back(shard_text(part.shard, width));
    backlog.cells.push_back(count_text(part.backlog));
    owner.cells.push_back(shortened(reader_text(part), width / 2));
    checkpoint.cells.push_back(part.lease ? to_string(part.lease->checkpoint) : "-");
    epoch.cells.push_back(part.lease ? std::to_string(part.lease->epoch) : "-");
  }
  text += format_table({shard, backlog, checkpoint, epoch, owner}, width);
  text += fmt::format("\nconsumer    {}\n", shortened(printable(consumer.consumer.name), width - 12));
  text += fmt::format("generation  {}\n", consumer.consumer.generation);
  text += fmt::format("created     {}\n", to_local_rfc3339(consumer.consumer.created_at));
  return text + fmt::format("uuid        {}\n", printable(consumer.consumer.uuid));
}

std::string format_producers(const std::vector<Producer>& producers, std::size_t width) {
  if (producers.empty()) return "no producers\n";
  Column name{"producer"};
  Column source{"source", Column::Side::left, 2};
  Column position{"position", Column::Side::right, 3};
  Column moved{"moved", Column::Side::left, 1};
  for (const Producer& each : producers) {
    name.cells.push_back(printable(each.id.name));
    source.cells.push_back(each.id.source.empty() ? "-" : printable(each.id.source));
    position.cells.push_back(each.position.sequence.to_string());
    moved.cells.push_back(to_local_rfc3339(each.moved_at));
  }
  return format_table({name, source, position, moved}, width);
}

std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now) {
  std::string json = "[";
  const char* separator = "";
  for (const ConsumerStatistics& each : consumers) {
    json += fmt::format(
        R"({}{{"consumer":{},"uuid":{},"generation":{},"created":"{}","workers":{},"backlog":{},"oldest":{},"age_seconds":{},"trend":{},"shards":[)",
        separator, json_string(each.consumer.name), json_string(each.consumer.uuid), each.consumer.generation,
        to_rfc3339(each.consumer.created_at), each.workers, json_count(each.backlog),
        each.oldest ? "\"" + to_rfc3339(*each.oldest) + "\"" : "null",
        each.oldest ? json_seconds(age_of(*each.oldest, now)) : "null",
        each.trend ? fmt::format("{:.1f}", *each.trend) : "null");
    separator = "";
    for (const auto& part : each.parts) {
      json += separator + json_part(part);
      separator = ",";
    }
    json += "]}";
    separator = ",";
  }
  return json + "]";
}

std::string json_producers(const std::vector<Producer>& producers) {
  std::string json = "[";
  const char* separator = "";
  for (const Producer& each : producers) {
    json += fmt::format(R"({}{{"producer":{},"source":{},"position":"{}","moved":"{}"}})", separator,
                        json_string(each.id.name), json_string(each.id.source), each.position.sequence.to_string(),
                        to_rfc3339(each.moved_at));
    separator = ",";
  }
  return json + "]";
}

}  // namespace shardlog::cli

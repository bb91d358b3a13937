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
#include "tools/stream-stats/named_figures.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

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

std::string trend_text(double trend) {
  const std::string rate = rate_text(std::abs(trend));
  if (rate == "0") return "stands still";
  return fmt::format("{} {}/s", trend > 0 ? "grows by" : "shrinks by", rate);
}

std::string json_worker(const std::optional<ConsumerStatistics::Worker>& worker) {
  if (!worker) return "null";
  return json_object({{"worker", json(worker->name)},
                      {"process", worker->process.empty() ? "null" : json(worker->process)},
                      {"gone", json(worker->gone)}});
}

std::string words_of(const ConsumerFigures& consumer, const Screen& screen, std::size_t beside) {
  const std::size_t room = screen.width - std::min(screen.width, beside);
  const std::string text = outlook_text(consumer.outlook, consumer.statistics.trend, room);
  return consumer.outlook.is_bad() ? alarming(text, screen) : text;
}

std::string shown_age(const ConsumerFigures& consumer) {
  return consumer.statistics.oldest ? age_text(consumer.age) : "-";
}

std::vector<std::string> row_of(const ConsumerFigures& consumer, const Screen& screen) {
  constexpr std::size_t beside_words = 33;  // the shortest names, a backlog of seven digits, and an age
  const ConsumerStatistics& statistics = consumer.statistics;
  return {printable(statistics.consumer.name), statistics.workers == 0 ? "-" : format_count(statistics.workers),
          count_text(statistics.backlog), shown_age(consumer), words_of(consumer, screen, beside_words)};
}

/// Those that need a person first, and then those that are farthest behind.
std::vector<const ConsumerFigures*> worst_first(const std::vector<ConsumerFigures>& consumers) {
  std::vector<const ConsumerFigures*> sorted;
  sorted.reserve(consumers.size());
  for (const ConsumerFigures& each : consumers) sorted.push_back(&each);
  const auto badness = [](const ConsumerFigures& each) { return std::pair(each.outlook.is_bad(), each.age); };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto* a, const auto* b) { return badness(*a) > badness(*b); });
  return sorted;
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

std::string json_duration(const std::optional<Duration>& duration) {
  return duration ? json_seconds(*duration) : "null";
}

std::string json_consumer(const ConsumerFigures& figures) {
  const ConsumerStatistics& statistics = figures.statistics;
  const Consumer& consumer = statistics.consumer;
  return json_object({{"consumer", json(consumer.name)},
                      {"uuid", json(consumer.uuid)},
                      {"generation", json(consumer.generation)},
                      {"created", json(consumer.created_at)},
                      {"workers", json(statistics.workers)},
                      {"backlog", json(statistics.backlog)},
                      {"oldest", json(statistics.oldest)},
                      {"age_seconds", statistics.oldest ? json_seconds(figures.age) : "null"},
                      {"trend", statistics.trend ? fmt::format("{:.1f}", *statistics.trend) : "null"},
                      {"caught_up_in_seconds", json_duration(figures.outlook.caught_up_in)},
                      {"loses_data_in_seconds", json_duration(figures.outlook.loses_data_in)},
                      {"figures", json_figures(named_figures(figures))},
                      {"shards", json_array(statistics.parts, json_part)}});
}

}  // namespace

std::string format_consumers(const Figures& figures, const Screen& screen, std::size_t lines) {
  const std::vector<ConsumerFigures>& consumers = figures.consumers;
  if (consumers.empty()) {
    return fmt::format("no consumer yet: stream-get {} -c NAME\n",
                       shortened(printable(figures.name), screen.width / 2));
  }
  Rows rows;
  const bool fits = consumers.size() <= lines;
  const std::size_t shown = fits ? consumers.size() : std::max<std::size_t>(lines, 2) - 1;
  if (fits) {
    for (const ConsumerFigures& each : consumers) rows.push_back(row_of(each, screen));
  } else {
    const auto sorted = worst_first(consumers);
    for (std::size_t i = 0; i < shown; ++i) rows.push_back(row_of(*sorted[i], screen));
  }
  const std::string text =
      format_table({{"consumer"}, {"workers", right, 1}, {"behind", right, 3}, {"age", right, 4}, {"", left, 5}},
                   std::move(rows), screen.width);
  return fits ? text : text + fmt::format("and {}\n", format_count(consumers.size() - shown, "more consumer"));
}

std::string format_consumer(const ConsumerFigures& figures, const Screen& screen) {
  const ConsumerStatistics& consumer = figures.statistics;
  const std::size_t width = screen.width;
  std::string text = fmt::format("backlog     {}\nage         {}\n", count_text(consumer.backlog, "record"),
                                 consumer.oldest ? age_text(figures.age) : "-");
  if (consumer.trend) text += fmt::format("trend       {}\n", trend_text(*consumer.trend));
  constexpr std::size_t label = 12;
  const std::string words = words_of(figures, screen, label);
  if (!words.empty()) text += fmt::format("outlook     {}\n", words);
  text += fmt::format("shards      {}, {}\n\n", format_count(consumer.parts.size()),
                      consumer.owned == 0 ? "none owned"
                                          : fmt::format("{} owned by {}", format_count(consumer.owned),
                                                        workers_text(consumer.workers)));
  Rows rows;
  for (const auto& part : consumer.parts) {
    rows.push_back({shard_text(part.shard, width), shortened(reader_text(part), width / 2),
                    part.lease ? to_string(part.lease->checkpoint) : "-", count_text(part.backlog),
                    part.lease ? std::to_string(part.lease->epoch) : "-"});
  }
  text += format_table(
      {{"shard", right}, {"owner", left, 3}, {"checkpoint", left, 2}, {"behind", right, 4}, {"epoch", right, 1}},
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

std::string json_consumers(const std::vector<ConsumerFigures>& consumers) {
  return json_array(consumers, json_consumer);
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

#include "tools/stream-stats/consumer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "shardlog/consumer/process_identity.h"
#include "shardlog/core/checkpoint.h"
#include "shardlog/core/printable.h"
#include "tools/common/units.h"
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

std::string owner_text(const LeaseOwner& owner) {
  const std::string pid = consumer::pid_of(owner.process);
  return fmt::format("{}{}{}", printable(owner.worker), pid.empty() ? "" : ", pid " + printable(pid),
                     consumer::is_gone(owner.process) ? ", gone" : "");
}

/// Who reads a shard, or why nobody does.
std::string reader_text(const ConsumerStatistics::Part& part) {
  if (!part.lease) return "waits for its parents";
  if (std::holds_alternative<ShardEnd>(part.lease->checkpoint)) return "done";
  std::string text = part.lease->owner ? owner_text(*part.lease->owner) : "-";
  if (part.lease->claimant) text += "; claimed by " + owner_text(*part.lease->claimant);
  return text;
}

/// A pid is a number, but what is stored may be anything.
std::string json_owner(const std::optional<LeaseOwner>& owner) {
  if (!owner) return "null";
  const std::string text = consumer::pid_of(owner->process);
  std::int64_t pid = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const bool known = error == std::errc() && stop == text.data() + text.size() && pid > 0;
  return fmt::format(R"({{"worker":{},"pid":{},"gone":{}}})", json_string(owner->worker),
                     known ? std::to_string(pid) : "null", consumer::is_gone(owner->process));
}

std::string json_part(const ConsumerStatistics::Part& part) {
  const std::string shard = fmt::format(R"({{"shard":"{}","backlog":{})", part.shard.to_string(), part.backlog);
  if (!part.lease) {
    return shard + R"(,"checkpoint":null,"generation":null,"epoch":null,"owner":null,"claimant":null})";
  }
  return shard + fmt::format(R"(,"checkpoint":"{}","generation":{},"epoch":{},"owner":{},"claimant":{}}})",
                             to_string(part.lease->checkpoint), part.lease->generation, part.lease->epoch,
                             json_owner(part.lease->owner), json_owner(part.lease->claimant));
}

}  // namespace

std::string format_consumer_lines(const std::vector<ConsumerStatistics>& consumers, Timestamp now) {
  std::string lines;
  for (const ConsumerStatistics& each : consumers) {
    lines += fmt::format("consumer   {}: {}, {} behind{}\n", printable(each.consumer.name), workers_text(each.workers),
                         each.backlog == 0 ? "nothing" : format_count(each.backlog, "record"),
                         each.oldest ? ", the oldest " + age_text(age_of(*each.oldest, now)) + " old" : "");
  }
  return lines;
}

std::string format_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now) {
  std::string text;
  for (const ConsumerStatistics& each : consumers) {
    if (!text.empty()) text += '\n';
    text += fmt::format("consumer    {}\n", printable(each.consumer.name));
    text += fmt::format("uuid        {}\n", printable(each.consumer.uuid));
    text += fmt::format("created     {}\n", to_rfc3339(each.consumer.created_at));
    text += fmt::format("generation  {}\n", each.consumer.generation);
    text += fmt::format("shards      {}, {}\n", format_count(each.parts.size()),
                        each.owned == 0
                            ? "none owned"
                            : fmt::format("{} owned by {}", format_count(each.owned), workers_text(each.workers)));
    text += fmt::format("backlog     {}{}\n\n", format_count(each.backlog, "record"),
                        each.oldest ? ", the oldest " + age_text(age_of(*each.oldest, now)) + " old" : "");
    std::size_t width = std::string_view("checkpoint").size();
    for (const auto& part : each.parts) {
      if (part.lease) width = std::max(width, to_string(part.lease->checkpoint).size());
    }
    text +=
        fmt::format("{:<20}  {:>5}  {:<{}}  {:>13}  {}\n", "shard", "epoch", "checkpoint", width, "backlog", "owner");
    for (const auto& part : each.parts) {
      text += fmt::format("{:<20}  {:>5}  {:<{}}  {:>13}  {}\n", part.shard.to_string(),
                          part.lease ? std::to_string(part.lease->epoch) : "-",
                          part.lease ? to_string(part.lease->checkpoint) : "-", width, format_count(part.backlog),
                          reader_text(part));
    }
  }
  return text;
}

std::string format_producers(const std::vector<Producer>& producers) {
  if (producers.empty()) return {};
  std::size_t name = std::string_view("producer").size();
  std::size_t source = std::string_view("source").size();
  std::size_t position = std::string_view("position").size();
  for (const Producer& each : producers) {
    name = std::max(name, printable(each.id.name).size());
    source = std::max(source, printable(each.id.source).size());
    position = std::max(position, each.place.position.to_string().size());
  }
  std::string text =
      fmt::format("{:<{}}  {:<{}}  {:>{}}  {}\n", "producer", name, "source", source, "position", position, "moved");
  for (const Producer& each : producers) {
    text += fmt::format("{:<{}}  {:<{}}  {:>{}}  {}\n", printable(each.id.name), name,
                        each.id.source.empty() ? "-" : printable(each.id.source), source,
                        each.place.position.to_string(), position, to_rfc3339(each.moved_at));
  }
  return text;
}

std::string json_consumers(const std::vector<ConsumerStatistics>& consumers, Timestamp now) {
  std::string json = "[";
  const char* separator = "";
  for (const ConsumerStatistics& each : consumers) {
    json += fmt::format(
        R"({}{{"consumer":{},"uuid":{},"generation":{},"created":"{}","workers":{},"backlog":{},"oldest":{},"age_seconds":{},"shards":[)",
        separator, json_string(each.consumer.name), json_string(each.consumer.uuid), each.consumer.generation,
        to_rfc3339(each.consumer.created_at), each.workers, each.backlog,
        each.oldest ? "\"" + to_rfc3339(*each.oldest) + "\"" : "null",
        each.oldest ? json_seconds(age_of(*each.oldest, now)) : "null");
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
                        json_string(each.id.name), json_string(each.id.source), each.place.position.to_string(),
                        to_rfc3339(each.moved_at));
    separator = ",";
  }
  return json + "]";
}

}  // namespace shardlog::cli

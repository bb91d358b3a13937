#include "shardlog/nats/jetstream_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/nats/json.h"

namespace shardlog::nats {

namespace {

namespace dom = simdjson::dom;
using std::chrono::nanoseconds;

[[noreturn]] void refuse_answer(const char* what) {
  throw Error(ErrorCode::io, fmt::format("nats: an answer of JetStream is not as expected: {}", what));
}

/// The member `name` of an object; an empty answer if there is none.
std::optional<dom::element> member(const dom::element& object, const char* name) {
  dom::element found;
  return object[name].get(found) == simdjson::SUCCESS ? std::optional(found) : std::nullopt;
}

std::int64_t in_ns(Duration duration) {
  return nanoseconds(duration).count();
}

Duration from_ns(std::uint64_t count) {
  return std::chrono::duration_cast<Duration>(nanoseconds(count));
}

/// The description, and after a newline the metadata as JSON.
std::string description_of(const JetStreamConfig& config) {
  if (config.metadata.empty()) return config.description;
  std::string pairs;
  for (const auto& [name, value] : config.metadata) {
    pairs += fmt::format("{}{}:{}", pairs.empty() ? "" : ",", json_string(name), json_string(value));
  }
  return fmt::format("{}\n{{{}}}", config.description, pairs);
}

void read_description(std::string_view text, JetStreamConfig& config) {
  const std::size_t newline = text.find('\n');
  config.description = text.substr(0, newline);
  if (newline == std::string_view::npos) return;
  dom::parser parser;
  dom::object pairs;
  const simdjson::padded_string metadata(text.substr(newline + 1));
  if (parser.parse(metadata).get(pairs) != simdjson::SUCCESS) return;
  for (const auto& [name, value] : pairs) {
    std::string_view shown;
    if (value.get(shown) == simdjson::SUCCESS) config.metadata.emplace(name, shown);
  }
}

JetStreamConfig config_in(const dom::element& json) {
  JetStreamConfig config;
  config.name = text_in(json, "name");
  dom::array subjects;
  if (json["subjects"].get(subjects) == simdjson::SUCCESS) {
    for (const auto subject : subjects) config.subjects.emplace_back(std::string_view(subject));
  }
  config.replicas = static_cast<int>(number_in(json, "num_replicas"));
  if (json["max_msgs_per_subject"].get(config.most_per_subject) != simdjson::SUCCESS) config.most_per_subject = -1;
  bool refuses = false;
  config.refuse_more_per_subject = json["discard_new_per_subject"].get(refuses) == simdjson::SUCCESS && refuses;
  config.duplicate_window = from_ns(number_in(json, "duplicate_window"));
  config.max_age = from_ns(number_in(json, "max_age"));
  read_description(text_in(json, "description"), config);
  return config;
}

void read_cluster(const dom::element& cluster, JetStreamInfo& info) {
  info.leader = text_in(cluster, "leader");
  dom::array replicas;
  if (cluster["replicas"].get(replicas) != simdjson::SUCCESS) return;
  std::vector<Duration> ages;  // of the last word of each follower
  for (const dom::element replica : replicas) ages.push_back(from_ns(number_in(replica, "active")));
  std::ranges::sort(ages);
  const std::size_t needed = (ages.size() + 1) / 2;  // with the leader itself they are most of all
  if (needed > 0) info.heard = ages[needed - 1];
}

/// The lines of "NATS/1.0\r\nName: value\r\n\r\n" after the first.
Headers headers_in(std::string_view block) {
  constexpr std::string_view end_of_line = "\r\n";
  Headers headers;
  const auto take_line = [&] {
    const std::string_view line = block.substr(0, block.find(end_of_line));
    block.remove_prefix(std::min(block.size(), line.size() + end_of_line.size()));
    return line;
  };
  take_line();
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) refuse_answer("a header without a colon");
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.size(), value.find_first_not_of(" \t")));
    headers.emplace_back(line.substr(0, colon), value);
  }
  return headers;
}

}  // namespace

Json::Json(std::string_view text) : text_(text) {
  if (parser_.parse(text_).get(root_) != simdjson::SUCCESS) refuse_answer("not JSON");
}

std::string json_of(const JetStreamConfig& config) {
  std::string subjects;
  for (const auto& subject : config.subjects) {
    subjects += (subjects.empty() ? "" : ",") + json_string(subject);
  }
  const bool has_age = config.max_age > Duration(0);
  const Duration window = has_age ? std::min(config.duplicate_window, config.max_age) : config.duplicate_window;
  return fmt::format(
      R"({{"name":{},"description":{},"subjects":[{}],"retention":"limits","storage":"file","num_replicas":{},)"
      R"("discard":"{}","discard_new_per_subject":{},"max_msgs_per_subject":{},"max_msgs":-1,"max_bytes":-1,)"
      R"("max_msg_size":-1,"max_consumers":-1,"max_age":{},"duplicate_window":{},"allow_direct":false}})",
      json_string(config.name), json_string(description_of(config)), subjects, config.replicas,
      config.refuse_more_per_subject ? "new" : "old", config.refuse_more_per_subject, config.most_per_subject,
      in_ns(config.max_age), in_ns(window));
}

JetStreamInfo info_in(const dom::element& answer) {
  const auto config = member(answer, "config");
  const auto state = member(answer, "state");
  if (!config || !state) refuse_answer("no configuration or no state of a stream");
  JetStreamInfo info;
  info.config = config_in(*config);
  info.created = parse_time(text_in(answer, "created"));
  info.messages = number_in(*state, "messages");
  info.bytes = number_in(*state, "bytes");
  info.first_sequence = number_in(*state, "first_seq");
  info.last_sequence = number_in(*state, "last_seq");
  info.last_time = parse_time(text_in(*state, "last_ts"));
  dom::object subjects;
  if ((*state)["subjects"].get(subjects) == simdjson::SUCCESS) {
    for (const auto& [subject, count] : subjects) info.subjects.emplace(subject, std::uint64_t(count));
  }
  if (const auto cluster = member(answer, "cluster")) read_cluster(*cluster, info);
  return info;
}

KeptMessage message_in(const dom::element& answer) {
  const auto message = member(answer, "message");
  if (!message) refuse_answer("no message");
  KeptMessage kept;
  kept.subject = text_in(*message, "subject");
  kept.sequence = number_in(*message, "seq");
  kept.time = parse_time(text_in(*message, "time"));
  kept.headers = headers_in(decode_base64(text_in(*message, "hdrs")));
  kept.data = decode_base64(text_in(*message, "data"));
  return kept;
}

std::optional<std::variant<Refusal, Unavailable>> error_in(const dom::element& answer) {
  const auto error = member(answer, "error");
  if (!error) return std::nullopt;
  const int code = static_cast<int>(number_in(*error, "err_code"));
  switch (code) {
    case refusal::incomplete:
    case refusal::no_leader:
    case refusal::not_leader:
      return Unavailable{};
    default:
      break;
  }
  // "raft: not leader" has no code of its own. A leader that just lost its office gives it to what it cannot propose.
  constexpr std::uint64_t service_unavailable = 503;
  if (code == 0 && number_in(*error, "code") == service_unavailable) return Unavailable{};
  return Refusal{code, std::string(text_in(*error, "description"))};
}

}  // namespace shardlog::nats

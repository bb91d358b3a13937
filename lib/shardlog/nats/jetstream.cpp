#include "shardlog/nats/jetstream.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <thread>
#include <utility>

#include "shardlog/nats/json.h"

namespace shardlog::nats {

namespace {

namespace dom = simdjson::dom;
using std::chrono::nanoseconds;

constexpr Duration first_pause = std::chrono::milliseconds(10);
constexpr Duration longest_pause = std::chrono::milliseconds(200);

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::io, fmt::format("nats: an answer of JetStream is not as expected: {}", what));
}

/// A parsed text, and the parser that owns it.
class Json {
 public:
  explicit Json(std::string_view text) : text_(text) {
    if (parser_.parse(text_).get(root_) != simdjson::SUCCESS) refuse("not JSON");
  }

  [[nodiscard]] const dom::element& operator*() const { return root_; }
  [[nodiscard]] const dom::element* operator->() const { return &root_; }

 private:
  simdjson::padded_string text_;
  dom::parser parser_;
  dom::element root_;
};

/// The member `name` of an object; an empty answer if there is none.
std::optional<dom::element> member(const dom::element& object, const char* name) {
  dom::element found;
  return object[name].get(found) == simdjson::SUCCESS ? std::optional(found) : std::nullopt;
}

/// The error that an answer tells; nullopt if it tells none.
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

template <typename Result>
Answer<Result> answer_of(std::variant<Refusal, Unavailable> error) {
  return std::visit([](auto& one) { return Answer<Result>(std::move(one)); }, error);
}

/// The result that `read` makes of an answer's JSON; what is no result as it is.
template <typename Result, typename Read>
Answer<Result> result_of(Answer<std::string> answer, Read&& read) {
  if (auto* const refused = std::get_if<Refusal>(&answer)) return std::move(*refused);
  if (std::holds_alternative<Unavailable>(answer)) return Unavailable{};
  if (std::holds_alternative<NoAnswer>(answer)) return NoAnswer{};
  const Json json(std::get<std::string>(answer));
  return read(*json);
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
  info.replicas_current = static_cast<int>(std::ranges::count_if(replicas, [](const dom::element& replica) {
    bool is_current = false;
    return replica["current"].get(is_current) == simdjson::SUCCESS && is_current;
  }));
}

JetStreamInfo info_in(const dom::element& json) {
  const auto config = member(json, "config");
  const auto state = member(json, "state");
  if (!config || !state) refuse("no configuration or no state of a stream");
  JetStreamInfo info;
  info.config = config_in(*config);
  info.created = parse_time(text_in(json, "created"));
  info.messages = number_in(*state, "messages");
  info.bytes = number_in(*state, "bytes");
  info.first_sequence = number_in(*state, "first_seq");
  info.last_sequence = number_in(*state, "last_seq");
  info.last_time = parse_time(text_in(*state, "last_ts"));
  dom::object subjects;
  if ((*state)["subjects"].get(subjects) == simdjson::SUCCESS) {
    for (const auto& [subject, count] : subjects) info.subjects.emplace(subject, std::uint64_t(count));
  }
  if (const auto cluster = member(json, "cluster")) read_cluster(*cluster, info);
  return info;
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
    if (colon == std::string_view::npos) refuse("a header without a colon");
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.size(), value.find_first_not_of(" \t")));
    headers.emplace_back(line.substr(0, colon), value);
  }
  return headers;
}

KeptMessage message_in(const dom::element& json) {
  const auto message = member(json, "message");
  if (!message) refuse("no message");
  KeptMessage kept;
  kept.subject = text_in(*message, "subject");
  kept.sequence = number_in(*message, "seq");
  kept.time = parse_time(text_in(*message, "time"));
  kept.headers = headers_in(decode_base64(text_in(*message, "hdrs")));
  kept.data = decode_base64(text_in(*message, "data"));
  return kept;
}

bool contains(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

ErrorCode code_of(const Refusal& refused) {
  if (contains(refused.text, "authorization") || contains(refused.text, "permission")) return ErrorCode::permission;
  switch (refused.code) {
    case refusal::storage_full:
    case refusal::insufficient_resources:
    case refusal::store_failed:
      return ErrorCode::full;
    case refusal::no_peers:
      return ErrorCode::busy;
    case refusal::no_stream:
      return ErrorCode::not_found;
    case refusal::name_in_use:
      return ErrorCode::exists;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

std::optional<std::string_view> KeptMessage::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

/// A server that does not allow a subject to this user gives no answer. It tells the connection.
template <typename Result>
Answer<Result> JetStream::unanswered(const std::string& subject) {
  std::string error = connection_.take_error(subject);
  return error.empty() ? Answer<Result>(NoAnswer{}) : Answer<Result>(Refusal{0, std::move(error)});
}

Answer<std::string> JetStream::call(const std::string& api, std::string_view json, Duration wait) {
  const std::string subject = "$JS.API." + api;
  const auto answer = connection_.request(subject, {}, json, wait);
  if (!answer) return unanswered<std::string>(subject);
  if (answer->status() != 0) return Unavailable{};
  if (auto error = error_in(*Json(answer->data()))) return answer_of<std::string>(std::move(*error));
  return std::string(answer->data());
}

Answer<JetStreamInfo> JetStream::create(const JetStreamConfig& config, Duration wait) {
  return result_of<JetStreamInfo>(call("STREAM.CREATE." + config.name, json_of(config), wait), info_in);
}

Answer<JetStreamInfo> JetStream::update(const JetStreamConfig& config, Duration wait) {
  return result_of<JetStreamInfo>(call("STREAM.UPDATE." + config.name, json_of(config), wait), info_in);
}

Answer<JetStreamInfo> JetStream::info(const std::string& stream, Duration wait, const std::string& subjects_filter) {
  if (subjects_filter.empty()) return result_of<JetStreamInfo>(call("STREAM.INFO." + stream, {}, wait), info_in);
  std::map<std::string, std::uint64_t> subjects;
  for (std::uint64_t offset = 0;;) {
    std::uint64_t total = 0;
    auto page = result_of<JetStreamInfo>(
        call("STREAM.INFO." + stream,
             fmt::format(R"({{"subjects_filter":{},"offset":{}}})", json_string(subjects_filter), offset), wait),
        [&total](const dom::element& json) {
          total = number_in(json, "total");
          return info_in(json);
        });
    auto* const info = std::get_if<JetStreamInfo>(&page);
    if (info == nullptr) return page;
    const std::uint64_t count = info->subjects.size();
    offset += count;
    subjects.merge(info->subjects);
    if (count == 0 || offset >= total) {
      info->subjects = std::move(subjects);
      return page;
    }
  }
}

Answer<bool> JetStream::remove(const std::string& stream, Duration wait) {
  return result_of<bool>(call("STREAM.DELETE." + stream, {}, wait), [](const dom::element&) { return true; });
}

Answer<std::vector<std::string>> JetStream::names(const std::string& prefix, Duration wait) {
  std::vector<std::string> names;
  for (std::uint64_t offset = 0;;) {
    std::uint64_t total = 0;
    auto page = result_of<std::vector<std::string>>(
        call("STREAM.NAMES", fmt::format(R"({{"offset":{}}})", offset), wait), [&total](const dom::element& json) {
          total = number_in(json, "total");
          std::vector<std::string> read;
          dom::array streams;
          if (json["streams"].get(streams) != simdjson::SUCCESS) return read;  // null if there are none
          for (const auto stream : streams) read.emplace_back(std::string_view(stream));
          return read;
        });
    const auto* const read = std::get_if<std::vector<std::string>>(&page);
    if (read == nullptr) return page;
    offset += read->size();
    std::ranges::copy_if(*read, std::back_inserter(names), [&](const auto& name) { return name.starts_with(prefix); });
    if (read->empty() || offset >= total) break;
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());  // pages shift when a stream is made meanwhile
  return names;
}

Answer<std::uint64_t> JetStream::purge(const std::string& stream, const std::string& filter, std::uint64_t sequence,
                                       Duration wait) {
  std::string json;
  if (!filter.empty()) json += fmt::format(R"("filter":{})", json_string(filter));
  if (sequence != 0) json += fmt::format(R"({}"seq":{})", json.empty() ? "" : ",", sequence);
  return result_of<std::uint64_t>(call("STREAM.PURGE." + stream, "{" + json + "}", wait),
                                  [](const dom::element& answer) { return number_in(answer, "purged"); });
}

Answer<KeptMessage> JetStream::get(const std::string& stream, std::uint64_t sequence, Duration wait) {
  return result_of<KeptMessage>(call("STREAM.MSG.GET." + stream, fmt::format(R"({{"seq":{}}})", sequence), wait),
                                message_in);
}

Answer<KeptMessage> JetStream::last_on(const std::string& stream, const std::string& subject, Duration wait) {
  return result_of<KeptMessage>(
      call("STREAM.MSG.GET." + stream, fmt::format(R"({{"last_by_subj":{}}})", json_string(subject)), wait),
      message_in);
}

Answer<KeptMessage> JetStream::next_on(const std::string& stream, const std::string& filter, std::uint64_t sequence,
                                       Duration wait) {
  const std::string json =
      fmt::format(R"({{"seq":{},"next_by_subj":{}}})", std::max<std::uint64_t>(1, sequence), json_string(filter));
  return result_of<KeptMessage>(call("STREAM.MSG.GET." + stream, json, wait), message_in);
}

Answer<Published> JetStream::publish(const std::string& subject, const Headers& headers, std::string_view data,
                                     Duration wait) {
  const auto answer = connection_.request(subject, headers, data, wait);
  return answer ? published(*answer) : unanswered<Published>(subject);
}

Answer<Published> JetStream::published(const Message& answer) {
  if (answer.status() != 0) return Unavailable{};
  const Json json(answer.data());
  if (auto error = error_in(*json)) return answer_of<Published>(std::move(*error));
  Published result{number_in(*json, "seq"), false};
  if (result.sequence == 0) refuse("no sequence of a message that was stored");
  if ((*json)["duplicate"].get(result.duplicate) != simdjson::SUCCESS) result.duplicate = false;
  return result;
}

Patience::Patience(const Clock& clock, Duration timeout) : clock_(clock), until_(clock.elapsed()), pause_(first_pause) {
  until_ += std::min(timeout, Duration::max() - until_);  // a timeout may be as long as for ever
}

Duration Patience::left() const {
  return std::max(Duration(0), until_ - clock_.elapsed());
}

void Patience::again(const std::string& what, bool unknown) {
  unknown_ = unknown_ || unknown;
  const Duration left_now = left();
  if (left_now == Duration(0)) {
    if (unknown_) throw Error(ErrorCode::io, what + ": no answer in time, so whether it was done is not known");
    throw Error(ErrorCode::busy, what + ": no server in reach, or no majority of them");
  }
  std::this_thread::sleep_for(std::min(pause_, left_now));
  pause_ = std::min(2 * pause_, longest_pause);
}

Error error_of(const std::string& what, const Refusal& refused) {
  const std::string code = refused.code == 0 ? "" : fmt::format(" (JetStream error {})", refused.code);
  return {code_of(refused), fmt::format("{}: {}{}", what, printable(refused.text), code)};
}

}  // namespace shardlog::nats

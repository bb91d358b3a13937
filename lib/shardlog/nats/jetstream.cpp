#include "shardlog/nats/jetstream.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <thread>
#include <utility>

#include "shardlog/nats/jetstream_format.h"
#include "shardlog/nats/json.h"

namespace shardlog::nats {

namespace {

namespace dom = simdjson::dom;

constexpr Duration first_pause = std::chrono::milliseconds(10);
constexpr Duration longest_pause = std::chrono::milliseconds(200);
constexpr Duration longest_unheard =
    std::chrono::milliseconds(2500);  // others wait for 4 s before they elect another leader

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

Answer<JetStreamInfo> JetStream::noted(Answer<JetStreamInfo> answer, const std::string& stream) {
  const auto* const told = std::get_if<JetStreamInfo>(&answer);
  if (told == nullptr) return answer;
  if (told->created == Timestamp{}) return Unavailable{};  // it is being made
  made_.insert(stream);
  return answer;
}

Answer<std::string> JetStream::call_made(const std::string& api, const std::string& stream, std::string_view json,
                                         Duration wait) {
  if (!made_.contains(stream)) {
    auto told = info(stream, wait);
    if (auto* const refused = std::get_if<Refusal>(&told)) return std::move(*refused);
    if (std::holds_alternative<Unavailable>(told)) return Unavailable{};
    if (std::holds_alternative<NoAnswer>(told)) return NoAnswer{};
  }
  auto answer = call(api + "." + stream, json, wait);
  const auto* const refused = std::get_if<Refusal>(&answer);
  if (refused != nullptr && refused->code == refusal::no_stream) made_.erase(stream);
  return answer;
}

Answer<JetStreamInfo> JetStream::create(const JetStreamConfig& config, Duration wait) {
  return noted(result_of<JetStreamInfo>(call("STREAM.CREATE." + config.name, json_of(config), wait), info_in),
               config.name);
}

Answer<JetStreamInfo> JetStream::update(const JetStreamConfig& config, Duration wait) {
  return result_of<JetStreamInfo>(call("STREAM.UPDATE." + config.name, json_of(config), wait), info_in);
}

Answer<JetStreamInfo> JetStream::info(const std::string& stream, Duration wait, const std::string& subjects_filter) {
  if (subjects_filter.empty()) {
    auto answer = noted(result_of<JetStreamInfo>(call("STREAM.INFO." + stream, {}, wait), info_in), stream);
    const auto* const told = std::get_if<JetStreamInfo>(&answer);
    return told != nullptr && told->heard > longest_unheard ? Answer<JetStreamInfo>(Unavailable{}) : answer;
  }
  std::map<std::string, std::uint64_t> subjects;
  for (std::uint64_t offset = 0;;) {
    std::uint64_t total = 0;
    auto page = result_of<JetStreamInfo>(
        call_made("STREAM.INFO", stream,
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
  made_.erase(stream);
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
  return result_of<KeptMessage>(call_made("STREAM.MSG.GET", stream, fmt::format(R"({{"seq":{}}})", sequence), wait),
                                message_in);
}

Answer<KeptMessage> JetStream::last_on(const std::string& stream, const std::string& subject, Duration wait) {
  return result_of<KeptMessage>(
      call_made("STREAM.MSG.GET", stream, fmt::format(R"({{"last_by_subj":{}}})", json_string(subject)), wait),
      message_in);
}

Answer<KeptMessage> JetStream::next_on(const std::string& stream, const std::string& filter, std::uint64_t sequence,
                                       Duration wait) {
  const std::string json =
      fmt::format(R"({{"seq":{},"next_by_subj":{}}})", std::max<std::uint64_t>(1, sequence), json_string(filter));
  return result_of<KeptMessage>(call_made("STREAM.MSG.GET", stream, json, wait), message_in);
}

Duration JetStream::wait_for(std::size_t bytes) {
  constexpr std::int64_t bytes_a_microsecond = 4;
  return std::chrono::seconds(1) + Duration(static_cast<std::int64_t>(bytes) / bytes_a_microsecond);
}

Answer<Published> JetStream::publish(const std::string& subject, const Headers& headers, std::string_view data,
                                     Duration wait) {
  const auto answer = connection_.request(subject, headers, data, wait);
  return answer ? published(*answer) : unanswered<Published>(subject);
}

Answer<Published> JetStream::published(const Message& answer) {
  if (answer.status() != 0) return Unavailable{};
  const Json json(answer.data());
  if (auto error = error_in(*json)) {
    const auto* const refused = std::get_if<Refusal>(&*error);
    if (refused != nullptr && refused->code == refusal::lost_place) return NoAnswer{};
    return answer_of<Published>(std::move(*error));
  }
  Published result{number_in(*json, "seq"), false};
  if ((*json)["duplicate"].get(result.duplicate) != simdjson::SUCCESS) result.duplicate = false;
  if (result.sequence > 0) return result;
  if (result.duplicate) return NoAnswer{};  // the first one with its id is still in flight, and may never be stored
  throw Error(ErrorCode::io, "nats: an answer without the sequence of what was stored");
}

Patience::Patience(const Clock& clock, Duration timeout, Outage* outage)
    : clock_(clock), until_(clock.elapsed()), pause_(first_pause), outage_(outage) {
  until_ += std::min(timeout, Duration::max() - until_);  // a timeout may be as long as for ever
}

Patience Patience::for_a_step() const {
  Patience step = *this;
  step.is_step_ = true;
  return step;
}

Duration Patience::left() const {
  return std::max(Duration(0), until_ - clock_.elapsed());
}

void Patience::again(const std::string& what, bool unknown) {
  unknown_ = unknown_ || unknown;
  const Duration left_now = left();
  if (left_now == Duration(0)) {
    const std::string last = refusal_.empty() ? "" : "; before that: " + refusal_;
    if (unknown_) throw Error(ErrorCode::io, what + ": no answer in time, so whether it was done is not known" + last);
    throw Error(ErrorCode::busy, what + ": no server in reach, or no majority of them" + last);
  }
  std::this_thread::sleep_for(std::min(pause_, left_now));
  pause_ = std::min(2 * pause_, longest_pause);
}

void Patience::refused(const std::string& what, const Refusal& refusal) {
  refusal_ = fmt::format("{} (JetStream error {})", printable(refusal.text), refusal.code);
  if (left() == Duration(0)) throw Error(ErrorCode::busy, what + ": refused until time was up: " + refusal_);
  again(what, false);
}

Error error_of(const std::string& what, const Refusal& refused) {
  if (refused.code == refusal::no_stream) return {ErrorCode::not_found, what + ": it was removed"};
  const std::string code = refused.code == 0 ? "" : fmt::format(" (JetStream error {})", refused.code);
  return {code_of(refused), fmt::format("{}: {}{}", what, printable(refused.text), code)};
}

}  // namespace shardlog::nats

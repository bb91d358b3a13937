#include "shardlog/nats/leader_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "shardlog/core/numbers.h"
#include "shardlog/nats/jetstream_format.h"
#include "shardlog/nats/json.h"

namespace shardlog::nats {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t requests_at_once = 2;  // one is filled while the answer to the other is read
constexpr std::uint64_t any_number = 1'000'000;
constexpr std::uint64_t headers_a_request = 2048;
constexpr std::uint64_t first_window = 2UL << 20;  // bytes; somebody who wants little gets not much more
constexpr std::uint64_t largest_window = 8UL << 20;
constexpr std::uint64_t around_a_payload = 64UL << 10;  // headers and subjects
constexpr auto request_lasts = 30s;
constexpr auto heartbeat = 500ms;
constexpr Duration longest_silence = 4 * heartbeat;
constexpr auto unused_for = 30s;  // then the server removes the consumer
constexpr int status_heartbeat = 100;
constexpr int status_no_messages = 404;
constexpr int status_timeout = 408;
constexpr int status_conflict = 409;

std::int64_t ns(std::chrono::nanoseconds duration) {
  return duration.count();
}

std::string json_of(const std::string& stream, const LeaderConsumer::From& from, bool headers_only) {
  const std::string start =
      from.time ? fmt::format(R"("by_start_time","opt_start_time":"{}")", to_rfc3339(*from.time))
                : fmt::format(R"("by_start_sequence","opt_start_seq":{})", std::max<std::uint64_t>(1, from.sequence));
  return fmt::format(
      R"({{"stream_name":"{}","config":{{"deliver_policy":{},"ack_policy":"none","replay_policy":"instant",)"
      R"("inactive_threshold":{},"num_replicas":1,"mem_storage":true,"headers_only":{}}}}})",
      stream, start, ns(unused_for), headers_only);
}

}  // namespace

std::optional<Delivery> parse_delivery(std::string_view reply) {
  constexpr std::string_view prefix = "$JS.ACK.";
  constexpr std::size_t short_form = 7;  // parts after the prefix
  constexpr std::size_t long_form = 9;   // and perhaps a random part at the end
  if (!reply.starts_with(prefix)) return std::nullopt;
  std::array<std::string_view, long_form + 1> parts;
  std::size_t count = 0;
  for (std::size_t begin = prefix.size(); begin <= reply.size() && count < parts.size(); ++count) {
    const std::size_t end = std::min(reply.find('.', begin), reply.size());
    parts.at(count) = reply.substr(begin, end - begin);
    begin = end + 1;
  }
  if (count != short_form && count < long_form) return std::nullopt;
  const std::size_t first = count == short_form ? 3 : 5;
  const auto number = [&](std::size_t i) { return parse_number<std::uint64_t>(parts.at(first + i)); };
  const auto time = parse_number<std::int64_t>(parts.at(first + 2));
  if (!number(0) || !number(1) || !time || !number(3)) return std::nullopt;
  const auto at = std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(*time));
  return Delivery{*number(0), *number(1), std::chrono::floor<Duration>(at), *number(3)};
}

LeaderConsumer::LeaderConsumer(Session& session, const From& from, bool headers_only, Patience& patience)
    : session_(session),
      losses_(session.js().connection().losses()),
      inbox_(session.js().connection()),
      headers_only_(headers_only),
      window_(first_window) {
  const std::string what = session_.what("read it");
  while (!make(from, headers_only, patience)) {
    if (patience.left() == Duration(0)) patience.again(what, false);
  }
}

LeaderConsumer::~LeaderConsumer() {
  try {
    remove();
  } catch (const Error&) {  // the server removes it after a while
  }
}

/// A server chosen at random gets the consumer. False if it is not the leader.
bool LeaderConsumer::make(const From& from, bool headers_only, Patience& patience) {
  const std::string stream = session_.names().data_stream();
  const std::string what = session_.what("read it");
  JetStream& js = session_.js();
  const auto answer = patience.insist(what, [&](Duration wait) {
    return js.call("CONSUMER.CREATE." + stream, json_of(stream, from, headers_only), wait);
  });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  simdjson::dom::parser parser;
  const simdjson::padded_string text(std::get<std::string>(answer));
  simdjson::dom::element json;
  if (parser.parse(text).get(json) != simdjson::SUCCESS) throw Error(ErrorCode::io, what + ": not JSON");
  name_ = text_in(json, "name");
  began_at_end_ = number_in(json, "num_pending") == 0;
  created_ = parse_time(text_in(json, "created"));
  created_at_ = Steady::now();
  simdjson::dom::element cluster;
  leader_ = json["cluster"].get(cluster) == simdjson::SUCCESS ? text_in(cluster, "leader") : std::string_view();
  const auto info = patience.insist(what, [&](Duration wait) { return js.info(stream, wait); });
  if (const auto* const refused = std::get_if<Refusal>(&info)) throw error_of(what, *refused);
  if (std::get<JetStreamInfo>(info).leader == leader_) return true;
  remove();
  return false;
}

bool LeaderConsumer::is_at_end() {
  constexpr Duration wait = 1s;
  const auto answer =
      session_.js().call(fmt::format("CONSUMER.INFO.{}.{}", session_.names().data_stream(), name_), {}, wait);
  const auto* const text = std::get_if<std::string>(&answer);
  if (text == nullptr) return false;
  const Json json(*text);
  simdjson::dom::element delivered;
  return (*json)["delivered"].get(delivered) == simdjson::SUCCESS && number_in(delivered, "consumer_seq") == number_ &&
         number_in(*json, "num_pending") == 0;
}

void LeaderConsumer::remove() {
  if (name_.empty()) return;
  const std::string subject = "$JS.API.CONSUMER.DELETE." + session_.names().data_stream() + "." + name_;
  static_cast<void>(session_.js().connection().publish(subject, {}, {}, {}));
  name_.clear();
}

Timestamp LeaderConsumer::servers_now() const {
  return created_ + std::chrono::duration_cast<Duration>(Steady::now() - created_at_);
}

/// False if there is no connection.
bool LeaderConsumer::request_more() {
  Connection& connection = session_.js().connection();
  const std::uint64_t most = std::max(largest_window, connection.max_payload() + around_a_payload);
  while (requests_.size() < requests_at_once) {
    const std::uint64_t count = headers_only_ ? headers_a_request : any_number;
    const std::string size = headers_only_ ? "" : fmt::format(R"("max_bytes":{},)", window_);
    const std::string body = fmt::format(R"({{"batch":{},{}"expires":{},"idle_heartbeat":{}}})", count, size,
                                         ns(request_lasts), ns(heartbeat));
    const std::string subject = "$JS.API.CONSUMER.MSG.NEXT." + session_.names().data_stream() + "." + name_;
    if (!connection.publish(subject, inbox_.subject("m"), {}, body)) return false;
    requests_.push_back(count);
    window_ = std::min(2 * window_, most);
  }
  return true;
}

std::variant<LeaderConsumer::Delivered, LeaderConsumer::Nothing, LeaderConsumer::Lost> LeaderConsumer::next(
    Duration wait) {
  const auto until = Steady::now() + wait;
  for (;;) {
    if (!request_more()) return Lost{};
    const auto left = std::chrono::duration_cast<Duration>(until - Steady::now());
    const Duration slice = std::clamp<Duration>(left, Duration(0), longest_silence - silence_);
    auto message = inbox_.next(slice);
    if (!message) {
      // Whatever the old connection had asked for, nobody answers it.
      if (session_.js().connection().losses() != losses_) return Lost{};
      silence_ += slice;
      if (silence_ >= longest_silence) return Lost{};
      if (left <= slice) return Nothing{};
      continue;
    }
    silence_ = Duration(0);
    auto result = read(std::move(*message));
    if (!std::holds_alternative<Nothing>(result)) return result;
  }
}

std::variant<LeaderConsumer::Delivered, LeaderConsumer::Nothing, LeaderConsumer::Lost> LeaderConsumer::read(
    Message message) {
  const auto delivery = parse_delivery(message.reply());
  if (!delivery) return read_status(message) ? std::variant<Delivered, Nothing, Lost>(Nothing{}) : Lost{};
  if (delivery->number != number_ + 1) return Lost{};
  number_ = delivery->number;
  if (!requests_.empty() && --requests_.front() == 0) requests_.pop_front();
  return Delivered{*delivery, std::move(message)};
}

/// Whether the consumer goes on.
bool LeaderConsumer::read_status(const Message& message) {
  switch (message.status()) {
    case status_heartbeat: {
      const auto last = message.header("Nats-Last-Consumer");
      return !last || parse_number<std::uint64_t>(*last).value_or(0) <= number_;
    }
    case status_conflict:  // it was deleted, or its server has gone; or the request is full
      if (!message.header("Nats-Pending-Bytes")) return false;
      [[fallthrough]];
    case status_no_messages:
    case status_timeout:
      if (!requests_.empty()) requests_.pop_front();
      return true;
    default:
      return false;
  }
}

}  // namespace shardlog::nats

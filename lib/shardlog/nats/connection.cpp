#include "shardlog/nats/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "shardlog/core/error.h"
#include "shardlog/nats/connect_options.h"
#include "shardlog/nats/connection_parts.h"
#include "shardlog/nats/library.h"
#include "shardlog/nats/outage.h"
#include "shardlog/nats/server_info.h"

namespace shardlog::nats {

namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr Duration pause_between_tries = milliseconds(100);
constexpr Duration look_interval = milliseconds(5);  // at whether the connection is back
constexpr Duration time_for_version = milliseconds(1000);

/// Milliseconds, rounded up: a wait is never shorter than it was asked for.
std::int64_t in_ms(Duration wait) {
  return std::chrono::ceil<milliseconds>(std::max(wait, Duration(0))).count();
}

/// Throws if trying again later would not help.
void refuse_if_final(natsStatus status) {
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      throw Error(ErrorCode::permission, "nats: the server refused this user: " + reason_of(status));
    case NATS_SECURE_CONNECTION_REQUIRED:
      throw Error(ErrorCode::usage, "nats: the server takes only TLS: write tls://HOST, or add ?ca=FILE");
    case NATS_SECURE_CONNECTION_WANTED:
      throw Error(ErrorCode::usage, "nats: the server has no TLS: write nats://HOST, without ?ca= and ?cert=");
    default:
      break;
  }
}

/// The library starts it at the first request. It does not matter what comes of this one.
void start_thread_for_answers(natsConnection* connection) {
  const Blocked signals(Signals::all);
  natsMsg* answer = nullptr;
  constexpr int wait = 1;  // ms
  const auto message = make_message("$JS.API.INFO", {}, {}, {});
  natsConnection_RequestMsg(&answer, connection, message.get(), wait);
  natsMsg_Destroy(answer);
}

/// What a server would answer if nobody listened: nothing was sent.
Message nobody_there() {
  auto message = make_message("_", {}, {{"Status", "503"}}, {});
  return Message(message.release());
}

/// Throws for a message that no server will ever take.
void refuse_if_impossible(natsStatus status) {
  if (status == NATS_MAX_PAYLOAD)
    throw Error(ErrorCode::usage, "nats: message over the server's max_payload: " + reason_of(status));
  if (status == NATS_NO_SERVER_SUPPORT) throw Error(ErrorCode::unsupported, "nats: the server does not take headers");
  if (status == NATS_NO_MEMORY) throw Error(ErrorCode::busy, "nats: no memory");
}

bool is_connected(natsConnection* connection) {
  return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
}

void wait_until_connected(natsConnection* connection, Duration wait) {
  for (const auto until = Steady::now() + wait; !is_connected(connection) && Steady::now() < until;) {
    std::this_thread::sleep_for(look_interval);
  }
}

}  // namespace

Connection::Connection(const Servers& servers, Duration patience, Outage* outage) : parts_(std::make_unique<Parts>()) {
  const auto begun = Steady::now();
  natsStatus status = NATS_OK;
  do {
    if (status != NATS_OK) {
      if (outage != nullptr) outage->unanswered_for(std::chrono::duration_cast<Duration>(Steady::now() - begun));
      std::this_thread::sleep_for(pause_between_tries);
    }
    const Blocked signals(Signals::all);
    start_library();
    const Options options = options_of(servers, *parts_->events);
    status = natsConnection_Connect(&parts_->connection, options.get());
    refuse_if_final(status);
  } while (status != NATS_OK && Steady::now() - begun < patience);
  if (status == NATS_OK) {
    parts_->events->connected();
    start_thread_for_answers(parts_->connection);
    return;
  }
  // An SSL error may come from a server that is just being stopped, so it was tried again.
  const ErrorCode code = status == NATS_SSL_ERROR ? ErrorCode::permission : ErrorCode::busy;
  throw Error(code, fmt::format("nats: cannot connect to {}: {}",
                                printable(fmt::format("{}", fmt::join(servers.urls, ", "))), reason_of(status)));
}

Connection::~Connection() {
  {
    const Blocked signals(Signals::pipe);
    natsConnection_Destroy(parts_->connection);
  }
  // The callbacks hold a pointer to it. The last one says that it is the last one.
  if (parts_->events->wait_until_closed()) {
    parts_->retired.free(parts_->retired.added());
  } else {
    static_cast<void>(parts_->events.release());
  }
}

bool Connection::publish(const std::string& subject, const std::string& reply, const Headers& headers,
                         std::string_view data) {
  if (!is_connected(parts_->connection)) return false;
  const auto message = make_message(subject, reply, headers, data);
  const Blocked signals(Signals::pipe);
  const natsStatus status = natsConnection_PublishMsg(parts_->connection, message.get());
  refuse_if_impossible(status);
  return status == NATS_OK;
}

std::optional<Message> Connection::request(const std::string& subject, const Headers& headers, std::string_view data,
                                           Duration wait) {
  if (!is_connected(parts_->connection)) {
    wait_until_connected(parts_->connection, wait);
    return nobody_there();
  }
  const auto message = make_message(subject, {}, headers, data);
  const Blocked signals(Signals::pipe);
  const std::int64_t longest = std::max<std::int64_t>(1, in_ms(wait));
  const SystemClock clock;
  const Duration asked = clock.since_boot();
  // The library has one inbox for all requests, and a token for each: a late answer finds nobody, and is dropped.
  const Retired::Count retired = parts_->retired.added();
  natsMsg* received = nullptr;
  const natsStatus status = natsConnection_RequestMsg(&received, parts_->connection, message.get(), longest);
  std::optional<Message> answer;
  if (status == NATS_OK) {
    answer.emplace(received);
    parts_->retired.free(retired);
  }
  refuse_if_impossible(status);
  // A full buffer means that the connection has just been lost, and nothing was sent.
  if (status == NATS_NO_RESPONDERS || status == NATS_INSUFFICIENT_BUFFER) return nobody_there();
  // After a pause of this process, or of the machine, an answer is there at once, and is old.
  if (clock.since_boot() - asked > milliseconds(longest)) return std::nullopt;
  return answer;
}

std::uint64_t Connection::max_payload() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, natsConnection_GetMaxPayload(parts_->connection)));
}

std::string Connection::server() const {
  std::string url(1024, '\0');
  if (natsConnection_GetConnectedUrl(parts_->connection, url.data(), url.size()) != NATS_OK) return {};
  url.resize(url.find('\0'));
  return url;
}

std::string Connection::server_version() const {
  const std::string url = server();
  return url.empty() ? std::string() : version_of_server(url, time_for_version);
}

std::uint64_t Connection::losses() const {
  return parts_->events->losses();
}

std::string Connection::take_error(std::string_view subject) {
  return parts_->events->take_error(subject);
}

}  // namespace shardlog::nats

#include "shardlog/nats/connection.h"

#include <fmt/format.h>
#include <nats/nats.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/nats/server_info.h"

namespace shardlog::nats {

namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr int try_time = 1000;        // ms for TCP, TLS and INFO of one server: one that is paused still accepts TCP
constexpr int ping_interval = 1000;   // ms
constexpr int most_pings_out = 2;     // a server that answers none of these is taken for lost
constexpr int write_time = 5000;      // ms for one message; after that the library drops the connection
constexpr int reconnect_pause = 100;  // ms, after each round over all servers
constexpr int buffer_size = 256 * 1024;
constexpr Duration look_interval = milliseconds(5);  // at whether the connection is back

constexpr Duration longest_end = std::chrono::seconds(10);  // of a callback that is running

/// Milliseconds, rounded up: a wait is never shorter than it was asked for.
std::int64_t in_ms(Duration wait) {
  return std::chrono::ceil<milliseconds>(std::max(wait, Duration(0))).count();
}

enum class Signals { all, pipe };

/// Keeps signals from this thread: SIGPIPE while it writes to a server (the library sends without MSG_NOSIGNAL over
/// TLS), and all of them while the library may start threads, which inherit that. A signal for the program must reach a
/// thread of the program.
class Blocked {
 public:
  explicit Blocked(Signals which) {
    sigset_t blocked;
    if (which == Signals::all) {
      ::sigfillset(&blocked);
    } else {
      ::sigemptyset(&blocked);
      ::sigaddset(&blocked, SIGPIPE);
    }
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    was_pending_ = is_pending();
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() {
    constexpr timespec at_once{};
    if (!was_pending_ && is_pending()) ::sigtimedwait(&pipe_, nullptr, &at_once);  // it was ours
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  static bool is_pending() {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t before_{};
  sigset_t pipe_{};
  bool was_pending_ = false;
};

/// Starts the library, which ignores SIGPIPE from then on. That is for the program to decide.
void start_library() {
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  nats_Open(-1);
  ::sigaction(SIGPIPE, &before, nullptr);
}

/// What the library's thread for callbacks reports.
class Events {
 public:
  void lost() { ++losses_; }
  [[nodiscard]] std::uint64_t losses() const { return losses_; }

  void refused(std::string text) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(text);
  }
  std::string take_error() {
    const std::lock_guard lock(mutex_);
    return std::exchange(error_, {});
  }

  void closed() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();  // under the lock: whoever waits destroys this object
  }
  /// Whether there will be no more callbacks.
  bool wait_until_closed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest_end, [this] { return is_closed_; });
  }

 private:
  std::atomic<std::uint64_t> losses_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string error_;
  bool is_closed_ = false;
};

/// Messages on their way from the library's thread. The library has a queue of its own, but that one drops the subject
/// of an answer 503, which says what nobody answers.
class Arrivals {
 public:
  void add(Message message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  std::optional<Message> next(Duration wait) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, wait, [this] { return !messages_.empty(); })) return std::nullopt;
    std::optional<Message> first = std::move(messages_.front());
    messages_.pop_front();
    return first;
  }

  void complete() {
    const std::lock_guard lock(mutex_);
    is_complete_ = true;
    changed_.notify_all();  // under the lock: whoever waits destroys this object
  }
  bool wait_until_complete() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest_end, [this] { return is_complete_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;
  bool is_complete_ = false;
};

void on_error(natsConnection* /*connection*/, natsSubscription* /*subscription*/, natsStatus status, void* events) {
  const char* const text = nats_GetLastError(nullptr);
  static_cast<Events*>(events)->refused(text != nullptr && *text != '\0' ? text : natsStatus_GetText(status));
}
void on_lost(natsConnection* /*connection*/, void* events) {
  static_cast<Events*>(events)->lost();
}
void on_closed(natsConnection* /*connection*/, void* events) {
  static_cast<Events*>(events)->closed();
}
void on_message(natsConnection* /*connection*/, natsSubscription* /*subscription*/, natsMsg* message, void* arrivals) {
  static_cast<Arrivals*>(arrivals)->add(Message(message));
}
void on_complete(void* arrivals) {
  static_cast<Arrivals*>(arrivals)->complete();
}

struct DestroyOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using Options = std::unique_ptr<natsOptions, DestroyOptions>;

struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using OwnedMessage = std::unique_ptr<natsMsg, DestroyMessage>;

/// What the library says about an error, without the place in its code: "(conn.c:12): text".
std::string reason_of(natsStatus status) {
  const std::string_view general = natsStatus_GetText(status);
  const char* const last = nats_GetLastError(nullptr);
  std::string_view text = last == nullptr ? std::string_view() : last;
  constexpr std::string_view end_of_place = "): ";
  if (text.starts_with('(') && text.find(end_of_place) != std::string_view::npos) {
    text.remove_prefix(text.find(end_of_place) + end_of_place.size());
  }
  return printable(text.empty() || text == general ? std::string(general) : fmt::format("{}: {}", general, text));
}

/// For what can only fail for want of memory, or because the address makes no sense to the library.
void expect(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  const ErrorCode code = status == NATS_NO_MEMORY ? ErrorCode::busy : ErrorCode::usage;
  throw Error(code, fmt::format("nats: {}: {}", what, reason_of(status)));
}

void require_readable(const char* what, const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return;
  throw Error(ErrorCode::usage, system_error(fmt::format("nats: {} {}", what, quote(path)), errno).what());
}

void set_identity(natsOptions* options, const Servers& servers) {
  if (!servers.user.empty()) {
    expect(natsOptions_SetUserInfo(options, servers.user.c_str(), servers.password.c_str()), "user and password");
  }
  if (!servers.token.empty()) expect(natsOptions_SetToken(options, servers.token.c_str()), "token");
  require_readable("creds", servers.credentials);
  if (!servers.credentials.empty()) {
    expect(natsOptions_SetUserCredentialsFromFiles(options, servers.credentials.c_str(), nullptr), "creds");
  }
}

void set_encryption(natsOptions* options, const Servers& servers) {
  const bool asks_for_it = std::ranges::any_of(servers.urls, [](const auto& url) { return url.starts_with("tls:"); });
  if (asks_for_it || !servers.ca.empty() || !servers.certificate.empty()) {
    expect(natsOptions_SetSecure(options, true), "TLS");
  }
  require_readable("ca", servers.ca);
  require_readable("cert", servers.certificate);
  require_readable("key", servers.key);
  if (!servers.ca.empty()) expect(natsOptions_LoadCATrustedCertificates(options, servers.ca.c_str()), "ca");
  if (!servers.certificate.empty()) {
    expect(natsOptions_LoadCertificatesChain(options, servers.certificate.c_str(), servers.key.c_str()),
           "cert and key");
  }
}

Options options_of(const Servers& servers, Events& events) {
  natsOptions* made = nullptr;
  expect(natsOptions_Create(&made), "options");
  Options options(made);
  std::vector<const char*> urls;
  urls.reserve(servers.urls.size());
  for (const auto& url : servers.urls) urls.push_back(url.c_str());
  expect(natsOptions_SetServers(made, urls.data(), static_cast<int>(urls.size())), "servers");
  expect(natsOptions_SetName(made, "shardlog"), "name");
  expect(natsOptions_SetTimeout(made, try_time), "timeout");
  expect(natsOptions_SetAllowReconnect(made, true), "reconnect");
  expect(natsOptions_SetMaxReconnect(made, -1), "reconnect");
  expect(natsOptions_SetReconnectWait(made, reconnect_pause), "reconnect");
  expect(natsOptions_SetReconnectJitter(made, reconnect_pause, reconnect_pause), "reconnect");
  expect(natsOptions_SetReconnectBufSize(made, 0), "reconnect");  // nothing is sent later than it was published
  expect(natsOptions_SetFailRequestsOnDisconnect(made, true), "reconnect");
  expect(natsOptions_SetPingInterval(made, ping_interval), "ping interval");
  expect(natsOptions_SetMaxPingsOut(made, most_pings_out), "ping interval");
  expect(natsOptions_SetWriteDeadline(made, write_time), "write deadline");
  expect(natsOptions_SetIOBufSize(made, buffer_size), "buffer");
  expect(natsOptions_SetSendAsap(made, true), "flusher");  // it would delay each message by a millisecond
  expect(natsOptions_SetErrorHandler(made, on_error, &events), "callbacks");
  expect(natsOptions_SetDisconnectedCB(made, on_lost, &events), "callbacks");
  expect(natsOptions_SetClosedCB(made, on_closed, &events), "callbacks");
  set_identity(made, servers);
  set_encryption(made, servers);
  return options;
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

OwnedMessage make_message(const std::string& subject, const std::string& reply, const Headers& headers,
                          std::string_view data) {
  natsMsg* made = nullptr;
  expect(natsMsg_Create(&made, subject.c_str(), reply.empty() ? nullptr : reply.c_str(), data.data(),
                        static_cast<int>(data.size())),
         "message");
  OwnedMessage message(made);
  for (const auto& [name, value] : headers) {
    expect(natsMsgHeader_Set(made, name.c_str(), value.c_str()), "header of a message");
  }
  return message;
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

}  // namespace

struct Connection::Parts {
  natsConnection* connection = nullptr;
  std::unique_ptr<Events> events = std::make_unique<Events>();

  [[nodiscard]] bool is_connected() const { return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED; }

  /// Whether it is connected by then.
  [[nodiscard]] bool wait_until_connected(Duration wait) const {
    for (const auto until = Steady::now() + wait; !is_connected();) {
      if (Steady::now() >= until) return false;
      std::this_thread::sleep_for(look_interval);
    }
    return true;
  }
};

Connection::Connection(const Servers& servers, Duration patience) : parts_(std::make_unique<Parts>()) {
  const auto begun = Steady::now();
  natsStatus status = NATS_OK;
  do {
    if (status != NATS_OK) std::this_thread::sleep_for(milliseconds(reconnect_pause));
    const Blocked signals(Signals::all);
    start_library();
    const Options options = options_of(servers, *parts_->events);
    status = natsConnection_Connect(&parts_->connection, options.get());
    refuse_if_final(status);
  } while (status != NATS_OK && Steady::now() - begun < patience);
  if (status == NATS_OK) {
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
  if (!parts_->events->wait_until_closed()) static_cast<void>(parts_->events.release());
}

bool Connection::publish(const std::string& subject, const std::string& reply, const Headers& headers,
                         std::string_view data) {
  if (!parts_->is_connected()) return false;
  const auto message = make_message(subject, reply, headers, data);
  const Blocked signals(Signals::pipe);
  const natsStatus status = natsConnection_PublishMsg(parts_->connection, message.get());
  refuse_if_impossible(status);
  return status == NATS_OK;
}

std::optional<Message> Connection::request(const std::string& subject, const Headers& headers, std::string_view data,
                                           Duration wait) {
  if (!parts_->is_connected()) {
    static_cast<void>(parts_->wait_until_connected(wait));
    return nobody_there();
  }
  const auto message = make_message(subject, {}, headers, data);
  const Blocked signals(Signals::pipe);
  // The library has one inbox for all requests, and a token for each: a late answer finds nobody, and is dropped.
  natsMsg* answer = nullptr;
  const natsStatus status =
      natsConnection_RequestMsg(&answer, parts_->connection, message.get(), std::max<std::int64_t>(1, in_ms(wait)));
  refuse_if_impossible(status);
  if (status == NATS_OK) return Message(answer);
  // A full buffer means that the connection has just been lost, and nothing was sent.
  if (status == NATS_NO_RESPONDERS || status == NATS_INSUFFICIENT_BUFFER) return nobody_there();
  return std::nullopt;
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
  return url.empty() ? std::string() : version_of_server(url, milliseconds(try_time));
}

std::uint64_t Connection::losses() const {
  return parts_->events->losses();
}

std::string Connection::take_error() {
  return parts_->events->take_error();
}

struct Inbox::Parts {
  std::string prefix{};  // with the '.' at its end; empty if the subject was chosen by the caller
  natsSubscription* subscription = nullptr;
  std::unique_ptr<Arrivals> arrivals = std::make_unique<Arrivals>();
};

Inbox::Inbox(Connection& connection) : parts_(std::make_unique<Parts>()) {
  natsInbox* name = nullptr;
  expect(natsInbox_Create(&name), "inbox");
  parts_->prefix = fmt::format("{}.", name);
  natsInbox_Destroy(name);
  subscribe(connection, parts_->prefix + "*");
}

Inbox::Inbox(Connection& connection, const std::string& subject) : parts_(std::make_unique<Parts>()) {
  subscribe(connection, subject);
}

void Inbox::subscribe(Connection& connection, const std::string& subject) {
  const Blocked signals(Signals::all);
  natsSubscription*& made = parts_->subscription;
  const auto status = natsConnection_Subscribe(&made, connection.parts_->connection, subject.c_str(), on_message,
                                               parts_->arrivals.get());
  if (status != NATS_OK) return;  // the connection is closed for good: nothing will ever come
  natsSubscription_SetPendingLimits(made, -1, -1);
  natsSubscription_SetOnCompleteCB(made, on_complete, parts_->arrivals.get());
}

Inbox::~Inbox() {
  if (parts_->subscription == nullptr) return;
  {
    const Blocked signals(Signals::pipe);
    natsSubscription_Destroy(parts_->subscription);
  }
  // The library's thread may be about to add a message.
  if (!parts_->arrivals->wait_until_complete()) static_cast<void>(parts_->arrivals.release());
}

std::string Inbox::subject(std::string_view token) const {
  return parts_->prefix + std::string(token);
}

std::string_view Inbox::token_of(const Message& message) const {
  const std::string_view subject = message.subject();
  const bool has_token = !parts_->prefix.empty() && subject.starts_with(parts_->prefix);
  return has_token ? subject.substr(parts_->prefix.size()) : std::string_view();
}

std::optional<Message> Inbox::next(Duration wait) {
  return parts_->arrivals->next(wait);
}

}  // namespace shardlog::nats

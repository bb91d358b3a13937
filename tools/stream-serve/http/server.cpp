#include "tools/stream-serve/http/server.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "shardlog/core/threads.h"
#include "tools/stream-serve/http/exchange.h"

namespace shardlog::serve::http {

namespace {

constexpr Duration pause_without_descriptors = std::chrono::milliseconds(100);

struct EndResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

MHD_Result add_header(void* headers, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  static_cast<Headers*>(headers)->emplace_back(std::move(lower), value != nullptr ? value : "");
  return MHD_YES;
}

/// The body is borrowed: libmicrohttpd reads it until the exchange is completed.
MHD_Result queue(MHD_Connection* connection, const Response& response) {
  const std::unique_ptr<MHD_Response, EndResponse> queued(MHD_create_response_from_buffer(
      response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_PERSISTENT));
  if (!queued) return MHD_NO;
  for (const auto& [name, value] : response.headers) MHD_add_response_header(queued.get(), name.c_str(), value.c_str());
  return MHD_queue_response(connection, static_cast<unsigned>(response.status), queued.get());
}

}  // namespace

/// The connections, as libmicrohttpd keeps them. It calls back by its own thread, one call at a time.
class Server::Connections {
 public:
  Connections(Gate gate, Handler handler, const ServerLimits& limits)
      : gate_(std::move(gate)),
        handler_(std::move(handler)),
        budget_(limits.all_bodies_bytes),
        drain_(limits.drain),
        workers_(limits.threads),
        daemon_(MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                                 nullptr, nullptr, &Connections::on_request, this, MHD_OPTION_URI_LOG_CALLBACK,
                                 &Connections::on_target, this, MHD_OPTION_NOTIFY_COMPLETED, &Connections::on_completed,
                                 this, MHD_OPTION_CONNECTION_LIMIT, limits.connections, MHD_OPTION_CONNECTION_TIMEOUT,
                                 limits.idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.header_bytes,
                                 MHD_OPTION_END)) {
    if (daemon_ == nullptr) throw system_error("start the HTTP server", errno);
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  ~Connections() {
    {
      std::unique_lock guard(mutex_);
      closing_ = true;
      changed_.wait_for(guard, drain_, [this] { return under_way_ == 0; });
      // Its connections must not be suspended when a daemon stops, so those that are answered this late are waited for.
      changed_.wait(guard, [this] { return working_ == 0; });
    }
    MHD_stop_daemon(daemon_);
  }

  void add(cli::Descriptor connection, const sockaddr_storage& peer, socklen_t size) {
    const int descriptor = connection.release();
    MHD_add_connection(daemon_, descriptor, reinterpret_cast<const sockaddr*>(&peer), size);
  }

 private:
  static void* on_target(void* self, const char* target, MHD_Connection* /*connection*/) {
    return new Exchange(target, static_cast<Connections*>(self)->budget_);
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* /*path*/, const char* method,
                               const char* /*version*/, const char* piece, std::size_t* piece_size, void** exchange) {
    auto& connections = *static_cast<Connections*>(self);
    auto& current = *static_cast<Exchange*>(*exchange);
    switch (current.state()) {
      case Exchange::State::new_request:
        current.request().method = method;
        return connections.begin(connection, current);
      case Exchange::State::reading:
        if (*piece_size > 0) {
          current.read({piece, std::exchange(*piece_size, 0)});
          return MHD_YES;
        }
        return connections.work(connection, current);
      case Exchange::State::working:
        return MHD_YES;
      case Exchange::State::answered:
        return queue(connection, *current.response());
    }
    return MHD_NO;
  }

  MHD_Result begin(MHD_Connection* connection, Exchange& exchange) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, &add_header, &exchange.request().headers);
    exchange.set(Exchange::State::reading);
    if (auto refusal = gate_(exchange.request())) exchange.answer(std::move(*refusal));
    // What is refused by its length is not read, and the connection is closed.
    const bool is_long = exchange.response() && exchange.response()->status == 413;
    if (!is_long) return MHD_YES;
    exchange.set(Exchange::State::answered);
    return queue(connection, *exchange.response());
  }

  /// The request is there. Has it answered by a worker, and asks no more of libmicrohttpd until then.
  MHD_Result work(MHD_Connection* connection, Exchange& exchange) {
    exchange.was_given = !exchange.response() && may_work();
    if (!exchange.was_given) {
      if (!exchange.response()) exchange.answer({503, {{"connection", "close"}}, {}});
      exchange.set(Exchange::State::answered);
      return queue(connection, *exchange.response());
    }
    exchange.set(Exchange::State::working);
    MHD_suspend_connection(connection);
    workers_.give([this, connection, &exchange] {
      exchange.answer(handler_(exchange.request()));
      exchange.set(Exchange::State::answered);
      MHD_resume_connection(connection);
      count(0, -1);
    });
    return MHD_YES;
  }

  static void on_completed(void* self, MHD_Connection* /*connection*/, void** exchange, MHD_RequestTerminationCode) {
    const std::unique_ptr<Exchange> ended(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
    if (ended && ended->was_given) static_cast<Connections*>(self)->count(-1, 0);
  }

  /// Counts one more request that is being answered, unless the server closes.
  bool may_work() {
    const std::lock_guard guard(mutex_);
    if (closing_) return false;
    ++under_way_;
    ++working_;
    return true;
  }

  void count(int under_way, int working) {
    const std::lock_guard guard(mutex_);
    under_way_ += under_way;
    working_ += working;
    changed_.notify_all();
  }

  Gate gate_;
  Handler handler_;
  Budget budget_;
  std::chrono::milliseconds drain_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  int under_way_ = 0;  ///< requests that are being answered, until the client has the answer
  int working_ = 0;    ///< those without an answer yet
  Workers workers_;
  MHD_Daemon* daemon_;
};

Server::Server(const cli::Descriptor& listening, Gate gate, Handler handler, const ServerLimits& limits)
    : listening_(listening),
      connections_(std::make_unique<Connections>(std::move(gate), std::move(handler), limits)),
      acceptor_(start_thread([this](const std::stop_token& stop) { accept_until(stop); })) {}

Server::~Server() {
  acceptor_.reset();
}

void Server::accept_until(const std::stop_token& stop) {
  const cli::StopEvent stopped(stop);
  std::array<pollfd, 2> waited{{{listening_.get(), POLLIN, 0}, {stopped.get(), POLLIN, 0}}};
  while (!stop.stop_requested()) {
    ::poll(waited.data(), waited.size(), -1);
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    cli::Descriptor connection(
        ::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.is_open()) {
      connections_->add(std::move(connection), peer, size);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      sleep_for(pause_without_descriptors, stop);  // the connection waits, and poll() would return at once
    }
  }
}

}  // namespace shardlog::serve::http

#include "tools/stream-serve/http/http1.h"

#include <microhttpd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace shardlog::serve::http {

namespace {

struct EndResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

MHD_Result add_header(void* request, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  static_cast<Request*>(request)->add_header(name, value != nullptr ? value : "");
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

/// libmicrohttpd calls back by its own thread, one call at a time.
class Http1::Callbacks {
 public:
  explicit Callbacks(ServiceSide& side) : side_(side) {}

  static void* on_target(void* self, const char* target, MHD_Connection* /*connection*/) {
    ServiceSide& side = static_cast<Callbacks*>(self)->side_;
    return new Exchange(target, side.bodies, side.answers);
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* /*path*/, const char* method,
                               const char* /*version*/, const char* piece, std::size_t* piece_size, void** exchange) {
    auto& callbacks = *static_cast<Callbacks*>(self);
    auto& current = *static_cast<Exchange*>(*exchange);
    switch (current.state()) {
      case Exchange::State::new_request:
        current.request().method = method;
        return callbacks.begin(connection, current);
      case Exchange::State::reading:
        if (*piece_size > 0) {
          current.read({piece, std::exchange(*piece_size, 0)});
          return MHD_YES;
        }
        return callbacks.work(connection, current);
      case Exchange::State::working:
        return MHD_YES;
      case Exchange::State::answered:
        return queue(connection, *current.response());
    }
    return MHD_NO;
  }

  static void on_completed(void* self, MHD_Connection* /*connection*/, void** exchange, MHD_RequestTerminationCode) {
    const std::unique_ptr<Exchange> ended(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
    if (ended && ended->was_given) static_cast<Callbacks*>(self)->side_.in_flight.end();
  }

 private:
  MHD_Result begin(MHD_Connection* connection, Exchange& exchange) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, &add_header, &exchange.request());
    exchange.set(Exchange::State::reading);
    if (auto refusal = side_.gate(exchange.request())) exchange.answer(std::move(*refusal));
    // What is refused by its length is not read, and the connection is closed.
    const bool is_long = exchange.response() && exchange.response()->status == 413;
    if (!is_long) return MHD_YES;
    exchange.set(Exchange::State::answered);
    return queue(connection, *exchange.response());
  }

  /// The request is there. Has it answered by a worker, and asks no more of libmicrohttpd until then.
  MHD_Result work(MHD_Connection* connection, Exchange& exchange) {
    exchange.was_given = !exchange.response() && side_.in_flight.begin();
    if (!exchange.was_given) {
      if (!exchange.response()) exchange.answer(closing_response());
      exchange.set(Exchange::State::answered);
      return queue(connection, *exchange.response());
    }
    exchange.set(Exchange::State::working);
    MHD_suspend_connection(connection);
    side_.workers.give([this, connection, &exchange] {
      side_.answer(exchange);
      MHD_resume_connection(connection);
      side_.in_flight.answered();  // only then: no connection may be suspended when the daemon stops
    });
    return MHD_YES;
  }

  ServiceSide& side_;
};

Http1::Http1(ServiceSide& side, const ServerLimits& limits)
    : callbacks_(std::make_unique<Callbacks>(side)),
      daemon_(MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
                               nullptr, nullptr, &Callbacks::on_request, callbacks_.get(), MHD_OPTION_URI_LOG_CALLBACK,
                               &Callbacks::on_target, callbacks_.get(), MHD_OPTION_NOTIFY_COMPLETED,
                               &Callbacks::on_completed, callbacks_.get(), MHD_OPTION_CONNECTION_LIMIT,
                               limits.connections, MHD_OPTION_CONNECTION_TIMEOUT,
                               static_cast<unsigned>(limits.idle.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                               limits.header_bytes, MHD_OPTION_END)) {
  if (daemon_ == nullptr) throw system_error("start the HTTP server", errno);
}

Http1::~Http1() {
  MHD_stop_daemon(daemon_);
}

void Http1::add(cli::Descriptor connection, const sockaddr_storage& peer, socklen_t size) {
  MHD_add_connection(daemon_, connection.release(), reinterpret_cast<const sockaddr*>(&peer), size);
}

}  // namespace shardlog::serve::http

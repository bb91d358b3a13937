#include "tools/stream-serve/http/http1.h"

#include <microhttpd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace shardlog::serve::http {

namespace {

/// How much of a feed is asked for at a time.
constexpr std::size_t piece_bytes = 32UL * 1024;

struct EndResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

/// The headers of a request on their way to us.
struct HeadersIn {
  Request& request;
  bool are_whole = true;  ///< there was memory for all
};

MHD_Result add_header(void* to, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  auto& headers = *static_cast<HeadersIn*>(to);
  headers.are_whole = or_without_memory(false, [&] {
    headers.request.add_header(name, value != nullptr ? value : "");
    return true;
  });
  return headers.are_whole ? MHD_YES : MHD_NO;
}

using Queued = std::unique_ptr<MHD_Response, EndResponse>;

/// The body is borrowed: libmicrohttpd reads it until the exchange is completed.
Queued with_body(const std::string& body) {
  return Queued(MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_PERSISTENT));
}

/// A feed on its way to its client.
struct Sending {
  std::shared_ptr<Feed> feed;
  MHD_Connection* connection;
};

/// Asked again and again for a piece while there is nothing, unless the connection is suspended.
ssize_t next_piece(void* from, std::uint64_t /*sent*/, char* to, std::size_t size) {
  const auto& sending = *static_cast<const Sending*>(from);
  const Feed::Piece piece = sending.feed->take({to, size}, [&] { MHD_suspend_connection(sending.connection); });
  if (piece.size > 0 || piece.state == Feed::State::open) return static_cast<ssize_t>(piece.size);
  return piece.state == Feed::State::ended ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

Queued with_feed(const std::shared_ptr<Feed>& feed, MHD_Connection* connection, const Client& client,
                 ServiceSide& side) {
  auto sending = std::make_unique<Sending>(Sending{feed, connection});
  Queued queued(MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, piece_bytes, &next_piece, sending.get(),
      [](void* ended) { std::unique_ptr<Sending>(static_cast<Sending*>(ended)).reset(); }));
  if (!queued) return queued;
  static_cast<void>(sending.release());  // the response has it
  feed->attach(side.answers, client, [connection] { MHD_resume_connection(connection); });
  side.feeds.add(feed);
  return queued;
}

MHD_Result queue(MHD_Connection* connection, Exchange& exchange, ServiceSide& side) {
  exchange.begin_sending(Budget::Progress::acknowledged);  // libmicrohttpd does not tell how far it has come
  const Response& response = *exchange.response();
  const Queued queued =
      response.feed ? with_feed(response.feed, connection, exchange.client(), side) : with_body(response.body);
  if (!queued) return MHD_NO;
  for (const auto& [name, value] : response.headers) MHD_add_response_header(queued.get(), name.c_str(), value.c_str());
  return MHD_queue_response(connection, static_cast<unsigned>(response.status), queued.get());
}

}  // namespace

/// libmicrohttpd calls back by its own thread, one call at a time. MHD_NO closes the connection.
class Http1::Callbacks {
 public:
  explicit Callbacks(ServiceSide& side) : side_(side) {}

  static void* on_target(void* self, const char* target, MHD_Connection* connection) {
    ServiceSide& side = static_cast<Callbacks*>(self)->side_;
    const int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    return or_without_memory<Exchange*>(
        nullptr, [&] { return new Exchange(target, side.bodies, side.answers, sole_client(socket)); });
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* /*path*/, const char* method,
                               const char* /*version*/, const char* piece, std::size_t* piece_size, void** exchange) {
    auto& callbacks = *static_cast<Callbacks*>(self);
    auto* const current = static_cast<Exchange*>(*exchange);
    if (current == nullptr) return MHD_NO;
    return or_without_memory(MHD_NO, [&] { return callbacks.go_on(connection, *current, method, piece, *piece_size); });
  }

  static void on_completed(void* self, MHD_Connection* /*connection*/, void** exchange, MHD_RequestTerminationCode) {
    const std::unique_ptr<Exchange> ended(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
    if (ended && ended->was_given) static_cast<Callbacks*>(self)->side_.in_flight.end();
  }

 private:
  MHD_Result go_on(MHD_Connection* connection, Exchange& current, const char* method, const char* piece,
                   std::size_t& piece_size) {
    switch (current.state()) {
      case Exchange::State::new_request:
        current.request().method = method;
        return begin(connection, current);
      case Exchange::State::reading:
        if (piece_size > 0) {
          current.read({piece, std::exchange(piece_size, 0)});
          return MHD_YES;
        }
        return work(connection, current);
      case Exchange::State::working:
        return MHD_YES;
      case Exchange::State::answered:
        return queue(connection, current, side_);
    }
    return MHD_NO;
  }

  MHD_Result begin(MHD_Connection* connection, Exchange& exchange) {
    HeadersIn headers{exchange.request()};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, &add_header, &headers);
    if (!headers.are_whole) return MHD_NO;
    exchange.set(Exchange::State::reading);
    if (auto refusal = side_.gate(exchange.request())) exchange.answer(std::move(*refusal));
    // What is refused by its length is not read, and the connection is closed.
    const bool is_long = exchange.response() && exchange.response()->status == 413;
    return is_long ? queue(connection, exchange, side_) : MHD_YES;
  }

  /// The request is there. Has it answered by a worker, and asks no more of libmicrohttpd until then.
  MHD_Result work(MHD_Connection* connection, Exchange& exchange) {
    exchange.was_given = !exchange.response() && side_.in_flight.begin();
    if (!exchange.was_given) {
      if (!exchange.response()) exchange.answer(closing_response());
      return queue(connection, exchange, side_);
    }
    exchange.set(Exchange::State::working);
    MHD_suspend_connection(connection);
    const auto end = [this, connection] {
      MHD_resume_connection(connection);
      side_.in_flight.answered();  // only then: no connection may be suspended when the daemon stops
    };
    const bool is_given = side_.workers.give([this, end, &exchange] {
      side_.answer(exchange);
      end();
    });
    if (is_given) return MHD_YES;
    exchange.answer({503});
    exchange.set(Exchange::State::answered);
    end();
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

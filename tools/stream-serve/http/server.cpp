#include "tools/stream-serve/http/server.h"

#include <utility>

#include "shardlog/core/threads.h"
#include "tools/stream-serve/http/acceptor.h"
#include "tools/stream-serve/http/http1.h"
#include "tools/stream-serve/http/http2.h"

namespace shardlog::serve::http {

/// What speaks with clients, and what answers. Its parts end in the order in which they need each other.
class Server::Protocols {
 public:
  Protocols(Gate gate, Handler handler, const ServerLimits& limits)
      : side_(std::move(gate), std::move(handler), limits), http1_(side_, limits), http2_(side_, limits) {}

  void take(Accepted accepted) {
    if (accepted.is_http2) {
      http2_.add(std::move(accepted.connection));
    } else {
      http1_.add(std::move(accepted.connection), accepted.peer, accepted.peer_size);
    }
  }

  void cut_slow() {
    side_.bodies.cut_slow();
    side_.answers.cut_slow();
  }

  void close(std::chrono::milliseconds drain) {
    side_.in_flight.close(drain);
    side_.feeds.close();
  }

 private:
  ServiceSide side_;
  Http1 http1_;
  Http2 http2_;
};

Server::Server(const cli::Descriptor& listening, Gate gate, Handler handler, const ServerLimits& limits)
    : protocols_(std::make_unique<Protocols>(std::move(gate), std::move(handler), limits)),
      drain_(limits.drain),
      acceptor_(std::make_unique<Acceptor>(listening, limits,
                                           [this](Accepted accepted) { protocols_->take(std::move(accepted)); })),
      accepting_(start_thread([this](const std::stop_token& stop) { acceptor_->run(stop); })) {}

Server::~Server() {
  accepting_.reset();
  protocols_->close(drain_);
}

void Server::cut_slow() {
  protocols_->cut_slow();
}

}  // namespace shardlog::serve::http

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/message.h"
#include "tools/stream-serve/http/workers.h"

namespace shardlog::serve::http {

/// Bounds that keep one client, or many, from taking everything.
struct ServerLimits {
  unsigned connections = 1024;
  unsigned idle_seconds = 60;                                  ///< then a connection is closed
  std::size_t header_bytes = 64UL * 1024;                      ///< of one request
  std::size_t all_bodies_bytes = 256UL * 1024 * 1024;          ///< of the requests that are being read or answered
  std::size_t threads = 32;                                    ///< that answer
  std::chrono::milliseconds drain = std::chrono::seconds(10);  ///< how long the answers may take at the end
};

/// Answers HTTP/1.1 on a socket that listens. One thread moves the bytes of all connections (libmicrohttpd), one
/// accepts, and the workers answer. So a slow client holds up nobody.
class Server {
 public:
  /// Throws busy if threads or memory are short. `listening` does not block, and must outlive the server.
  Server(const cli::Descriptor& listening, Gate gate, Handler handler, const ServerLimits& limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Accepts nothing more, and ends when the requests that have come whole are answered.
  ~Server();

 private:
  class Connections;

  void accept_until(const std::stop_token& stop);

  const cli::Descriptor& listening_;
  std::unique_ptr<Connections> connections_;
  std::optional<std::jthread> acceptor_;
};

}  // namespace shardlog::serve::http

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/limits.h"
#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::http {

class Acceptor;

/// Answers HTTP/1.1 and HTTP/2 on a socket that listens. One thread accepts, one for each protocol moves the bytes of
/// its connections, and the workers answer. So a slow client holds up nobody, unless much is kept for it: then it loses
/// its connection.
class Server {
 public:
  /// Throws busy if threads or memory are short. `listening` does not block, and must outlive the server.
  Server(const cli::Descriptor& listening, Gate gate, Handler handler, const ServerLimits& limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Accepts nothing more, and ends when the requests that have come whole are answered.
  ~Server();

  /// Ends connections of clients that are slow, if too much is kept for them. To be called every few seconds.
  void cut_slow();

 private:
  class Protocols;

  std::unique_ptr<Protocols> protocols_;
  std::chrono::milliseconds drain_;
  std::unique_ptr<Acceptor> acceptor_;
  std::optional<std::jthread> accepting_;
};

}  // namespace shardlog::serve::http

#pragma once

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <list>
#include <stop_token>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/limits.h"

namespace shardlog::serve::http {

/// A connection of which it is known what it speaks.
struct Accepted {
  cli::Descriptor connection;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof(sockaddr_storage);
  bool is_http2 = false;
};

/// Accepts connections, and looks at their first bytes, which stay unread. HTTP/2 with prior knowledge begins with "PRI
/// " (RFC 9113, section 3.4); no method of HTTP/1.1 is called so.
class Acceptor {
 public:
  using Take = std::function<void(Accepted)>;

  /// Throws like system_error(). `listening` does not block, and must outlive it.
  Acceptor(const cli::Descriptor& listening, const ServerLimits& limits, Take take);

  /// Until the stop.
  void run(const std::stop_token& stop);

 private:
  struct Silent {
    Accepted accepted;
    std::chrono::steady_clock::time_point since;
  };
  using Position = std::list<Silent>::iterator;

  void move(const std::stop_token& stop);
  void accept(const std::stop_token& stop);
  void look(Position silent);
  void close_idle();

  const cli::Descriptor& listening_;
  const ServerLimits limits_;
  Take take_;
  cli::Descriptor epoll_;
  cli::EventDescriptor stop_;
  std::list<Silent> silent_;  ///< have not sent enough yet; the oldest first
};

}  // namespace shardlog::serve::http

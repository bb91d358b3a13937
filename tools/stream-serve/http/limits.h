#pragma once

#include <chrono>
#include <cstddef>

namespace shardlog::serve::http {

/// Bounds that keep one client, or many, from taking everything.
struct ServerLimits {
  unsigned connections = 1024;                                 ///< of each protocol
  std::chrono::seconds idle = std::chrono::seconds(60);        ///< then a connection is closed
  std::size_t header_bytes = 32UL * 1024;                      ///< of a request; a connection of HTTP/1.1 takes as much
  std::size_t all_bodies_bytes = 256UL * 1024 * 1024;          ///< of the requests that are being read or answered
  std::size_t all_answers_bytes = 256UL * 1024 * 1024;         ///< that are kept for clients; then no large one is made
  std::size_t enough_bytes = 32UL * 1024 * 1024;               ///< of each of the two, for slow clients
  std::size_t threads = 64;                                    ///< that answer, at first
  std::size_t most_threads = 512;                              ///< a stream that is held up can hold up 32 of them
  std::chrono::milliseconds drain = std::chrono::seconds(10);  ///< how long the answers may take at the end
};

}  // namespace shardlog::serve::http

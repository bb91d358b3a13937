#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/http2_session.h"
#include "tools/stream-serve/http/limits.h"
#include "tools/stream-serve/http/service_side.h"

namespace shardlog::serve::http {

/// The connections that speak HTTP/2 from their first byte on ("prior knowledge"): one thread moves the bytes of all.
class Http2 {
 public:
  /// Throws busy if threads or descriptors are short. `side` must outlive it.
  Http2(ServiceSide& side, const ServerLimits& limits);
  Http2(const Http2&) = delete;
  Http2& operator=(const Http2&) = delete;
  /// REQUIRES: side.in_flight was closed
  ~Http2();

  /// Takes a connection over, which does not block. Any thread may call it.
  void add(cli::Descriptor connection);

 private:
  using SessionId = std::uint64_t;
  struct StreamNews {
    SessionId session;
    std::int32_t stream;
    Http2Session::News news;
  };

  void run(const std::stop_token& stop);
  void take_news();
  void begin(cli::Descriptor connection);
  /// Does `first`, and moves what can be moved. A shortage of memory ends the connection.
  void serve(SessionId id, const std::function<void(Http2Session&)>& first = {});
  void close_idle();

  ServiceSide& side_;
  const ServerLimits limits_;
  cli::Descriptor epoll_;
  cli::EventDescriptor news_;
  std::map<SessionId, std::unique_ptr<Http2Session>> sessions_;  ///< only the thread uses it
  SessionId last_id_ = 0;                                        ///< the same

  std::mutex mutex_;
  // Guarded by the mutex.
  std::deque<cli::Descriptor> added_;
  std::deque<StreamNews> told_;

  std::optional<std::jthread> thread_;
};

}  // namespace shardlog::serve::http

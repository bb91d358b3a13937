#pragma once

#include <sys/socket.h>

#include <memory>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/limits.h"
#include "tools/stream-serve/http/service_side.h"

struct MHD_Daemon;

namespace shardlog::serve::http {

/// The connections that speak HTTP/1.1, as libmicrohttpd keeps them: one thread moves the bytes of all.
class Http1 {
 public:
  /// Throws busy if memory or threads are short. `side` must outlive it.
  Http1(ServiceSide& side, const ServerLimits& limits);
  Http1(const Http1&) = delete;
  Http1& operator=(const Http1&) = delete;
  /// REQUIRES: side.in_flight was closed
  ~Http1();

  /// Takes a connection over. Any thread may call it.
  void add(cli::Descriptor connection, const sockaddr_storage& peer, socklen_t size);

 private:
  class Callbacks;

  std::unique_ptr<Callbacks> callbacks_;
  MHD_Daemon* daemon_;
};

}  // namespace shardlog::serve::http

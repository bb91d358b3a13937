#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::http {

/// From where requests may come.
struct Admission {
  std::vector<std::string> hosts{};    ///< names of this server besides those of loopback
  std::vector<std::string> origins{};  ///< of web pages that may send requests, or "*"
  bool any_address = false;            ///< every address is one of this server

  /// Adds the address that the server listens at. 0.0.0.0 and :: stand for all.
  void allow_address(const std::string& host);
};

/// The largest body of a request.
constexpr std::size_t most_body_bytes = 16UL * 1024 * 1024;

/// The answer to a request that is refused, or that asks what a web page may send; nullopt if it may go on. A browser
/// on this machine can reach the server for any web page. So the Host must be a name that only this machine uses, or
/// the page could have the server's address under its own name (DNS rebinding); an address cannot be such a name. And
/// the Origin, which browsers add to what a page sends, must be allowed.
std::optional<Response> admit(const Request& request, const Admission& admission);

/// The headers that let a page with an allowed origin read the answer; empty for other requests.
Headers sharing_headers(const Request& request);

}  // namespace shardlog::serve::http

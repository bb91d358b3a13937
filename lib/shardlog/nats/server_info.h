#pragma once

#include <string>

#include "shardlog/core/clock.h"

namespace shardlog::nats {

/// The version of the server at "nats://host:port" or "tls://host:port", 2.9.10 for instance. Every server tells it to
/// whoever connects, before it asks for TLS or a password; the client library does not pass it on. Empty if there is no
/// answer in time.
std::string version_of_server(const std::string& url, Duration wait);

/// Of what a server says first: "INFO {...}". Empty if it is anything else.
std::string version_in(std::string_view info);

}  // namespace shardlog::nats

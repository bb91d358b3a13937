#pragma once

#include "shardlog/nats/address.h"
#include "shardlog/nats/connection_parts.h"
#include "shardlog/nats/library.h"

namespace shardlog::nats {

/// How to connect to servers, and to stay connected. `events` must outlive the connection, up to its last callback.
/// Throws usage: a file that the address names cannot be read, or is not what it should be.
Options options_of(const Servers& servers, Events& events);

}  // namespace shardlog::nats

#pragma once

#include <memory>

#include "shardlog/log/reader.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// As Stream::read(). Reads all shards in the order of the data stream, whatever shards are wanted: servers cannot
/// choose the messages of a shard over all epochs. The session must outlive the reader.
std::unique_ptr<Reader> read(Session& session, const ReadRequest& request);

}  // namespace shardlog::nats

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog {

/// The engine for an address: a path means the embedded engine, "nats:..." NATS JetStream, whose module is loaded now.
/// Throws usage (unknown scheme, empty address, no such module).
SHARDLOG_API std::unique_ptr<Engine> engine_of(const std::string& address);

/// Engine::create(), open(), list() and remove() of the address's engine.
SHARDLOG_API void create(const std::string& address, const CreateOptions& options, const Clock& clock);
SHARDLOG_API std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock);
SHARDLOG_API std::vector<std::string> list_streams(const std::string& address);
SHARDLOG_API void remove_stream(const std::string& address, const OpenOptions& options, const Clock& clock);

}  // namespace shardlog

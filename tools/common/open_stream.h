#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shardlog/engines.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

/// Opens the stream at an address, as open() does. If there is none, the message says what would help: the nearest name
/// beside it, the streams below it, or how to create it.
std::unique_ptr<Stream> open_stream(const std::string& address, Access access, const Context& context);

/// What a stream's records are safe from once they are acknowledged, in a few words: "a power cut".
std::string_view survived(Capabilities::Survives survives);

}  // namespace shardlog::cli

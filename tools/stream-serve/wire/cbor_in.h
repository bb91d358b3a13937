#pragma once

#include <optional>
#include <string_view>

#include "tools/stream-serve/wire/value.h"

namespace shardlog::serve::wire {

/// Reads CBOR (RFC 8949), with the bounds of read_json(); nullopt if it is anything else. A time of whole numbers is in
/// milliseconds, as SDKs for Java write it; it becomes seconds. Borrows from `bytes`.
std::optional<Document> read_cbor(std::string_view bytes);

}  // namespace shardlog::serve::wire

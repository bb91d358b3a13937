#pragma once

#include <functional>
#include <string>

#include "tools/stream-serve/api/input.h"

namespace shardlog::serve::api {

/// The name of the consumer is empty if the resource is the stream.
using UseResource = std::function<Check(ServedStream&, const StreamDescription&, const std::string& consumer)>;

/// As with_stream(), for the stream or the consumer that ResourceARN names. If there is none, refuses.
Check with_resource(Call& call, const UseResource& use);

}  // namespace shardlog::serve::api

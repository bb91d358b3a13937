#include "shardlog/log/capabilities.h"

#include <fmt/format.h>

#include <string>

#include "shardlog/core/error.h"

namespace shardlog {

void require(bool can, std::string_view what, const Capabilities& capabilities) {
  if (can) return;
  throw Error(ErrorCode::usage,
              fmt::format("{}: the engine {} cannot do that", what, quote(std::string(capabilities.engine))));
}

}  // namespace shardlog

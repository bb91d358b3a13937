#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/stream-serve/api/action.h"

/// Where a client wants to read a shard from.
namespace shardlog::serve::api {

struct Wanted {
  std::string type;                     ///< AT_SEQUENCE_NUMBER and so on
  std::optional<std::string> sequence;  ///< for two of the types
  std::optional<Timestamp> time;        ///< for one
};

/// Where that is now: LATEST and a time would be another place later.
Result<ShardStart> start_of(const Call& call, Stream& stream, const Shard& shard, const std::string& stream_name,
                            const Wanted& wanted);

Refusal no_shard(const Call& call, std::string_view shard, std::string_view stream);

}  // namespace shardlog::serve::api

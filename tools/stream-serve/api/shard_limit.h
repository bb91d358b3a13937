#pragma once

#include <cstdint>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// What the streams of a directory are together.
struct Totals {
  std::uint64_t open_shards = 0;
  std::uint64_t on_demand_streams = 0;
};

/// A stream that cannot be read counts as none.
Totals totals_of(Catalogue& catalogue);

/// Whether `more` open shards would keep to the limit of all streams together.
Check check_shard_limit(const Call& call, std::uint64_t more);

}  // namespace shardlog::serve::api

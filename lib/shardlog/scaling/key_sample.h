#pragma once

#include <cstdint>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/reshard/by_load.h"

namespace shardlog::scaling {

/// Samples of the records that a shard took in between two times: `wanted` of them, or all if there are fewer. They are
/// spread evenly over the first batches that hold as many: the input may be sorted by key. For the thread of the
/// stream. Throws as Reader::next().
std::vector<reshard::KeySample> sample_records(Stream& stream, ShardId shard, Timestamp from, Timestamp until,
                                               std::uint64_t wanted);

}  // namespace shardlog::scaling

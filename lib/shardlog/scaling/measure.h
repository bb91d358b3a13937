#pragma once

#include "shardlog/log/stream.h"
#include "shardlog/reshard/by_load.h"

namespace shardlog::scaling {

/// What the shards of a stream carry, from what is stored: its latest whole minutes, and the busiest minute of each
/// hour of the window. That costs a pass over the headers of a whole window, so the hours are measured only if two
/// neighbours carried so little lately that they may be merged; otherwise they have only the latest minutes in them.
///
/// What retention has removed is not known, and counts as no load in the hours; the latest minutes are then fewer.
///
/// The result samples keys from the stream, on its thread, and must not outlive it. `described` is the stream as it was
/// read before: if its shards have changed since, the result is of no use, and no plan made of it can be applied.
/// Throws as Reader::next(). REQUIRES: Capabilities::exact_counts
reshard::Situation measure(Stream& stream, const StreamDescription& described, const reshard::ScalingOptions& options,
                           Duration window, Timestamp now);

}  // namespace shardlog::scaling

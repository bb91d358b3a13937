#pragma once

#include <span>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/metrics/measures.h"

namespace shardlog {

/// What a stream remembers of its traffic: by the minute for a day, and by the hour for a month. For the thread of the
/// stream, which may also be open for reading. On engines that have none (Capabilities::metrics), add() keeps nothing
/// and returns true, and history() is empty.
class SHARDLOG_API Metrics {
 public:
  virtual ~Metrics() = default;

  /// Adds what this process has measured since the last call, in a commit of its own that needs no sync. Each period is
  /// a whole minute. Returns false, and adds nothing, if that would mean waiting for other processes, or, for a stream
  /// that is open for reading, a sync, because nobody has written to it for a while: keep it for a later call. Throws
  /// permission (nothing can be added), full (try again later), and as Stream::append().
  virtual bool add(std::span<const metrics::Period> minutes) = 0;

  /// The periods that overlap a span of time and in which something happened, the oldest first. ShardCounts::in is what
  /// arrived in each of them: exact, also if it was trimmed since, for as long as periods are kept. What was measured
  /// lags by 10 seconds, because programs add it that often, or longer if the stream is busy all the time. Of damaged
  /// metrics the periods say so. Throws corrupt if anything else is damaged.
  virtual std::vector<metrics::Period> history(Timestamp from, Timestamp until) = 0;
};

}  // namespace shardlog

#pragma once

#include <span>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/metrics/measures.h"

namespace shardlog {

/// What a stream remembers of its traffic: minutes for a day, hours for a month. For the thread of the stream.
class SHARDLOG_API Metrics {
 public:
  virtual ~Metrics() = default;

  /// Adds what this process measured since it last did, each period a minute, in a commit of its own that needs no
  /// sync. Returns false, and adds nothing, if another process holds the lock: keep it for later. Throws permission
  /// (drop it), and as Stream::append().
  virtual bool add(std::span<const metrics::Period> minutes) = 0;

  /// The periods that overlap a span of time and have something to tell, the oldest first. ShardCounts::in is what
  /// arrived in each of them, exact also if retention has removed it since, for as long as periods are kept. The
  /// counts of what is going out lag by up to 10 seconds, because readers add that often.
  virtual std::vector<metrics::Period> history(Timestamp from, Timestamp until) = 0;
};

}  // namespace shardlog

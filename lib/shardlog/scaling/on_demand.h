#pragma once

#include <optional>

#include "shardlog/log/stream.h"

namespace shardlog::scaling {

/// How writers reshard an on-demand stream. Each of them looks at the load when it is the first, as far as it knows, to
/// write in a minute. A shard is split above half of its capacity, so that the stream takes up to double of the load
/// that it had, as one of Kinesis does (Kinesis Data Streams developer guide, "On-demand mode").
class OnDemand {
 public:
  /// `described` is the stream before the writer's first append. The stream and the clock must outlive this.
  OnDemand(Stream& stream, const StreamDescription& described, const Clock& clock);

  /// For a writer to call before each append. Looks at the stream once in a minute, since its mode may be changed
  /// meanwhile, and for shards to merge once in an hour. If other writers decide at the same moment, one of them wins.
  /// Throws as Stream::append() and decide(); then the caller has stored nothing yet.
  void tend();

 private:
  [[nodiscard]] Timestamp minute() const;

  Stream& stream_;
  const Clock& clock_;
  Timestamp looked_at_;                           ///< a whole minute
  std::optional<Timestamp> looked_for_merges_{};  ///< a whole hour
};

}  // namespace shardlog::scaling

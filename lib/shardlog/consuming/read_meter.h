#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>

#include "shardlog/log/stream.h"
#include "shardlog/metrics/recorder.h"

namespace shardlog::consuming {

/// Measures what is read by a consumer, or by a reader without one, and adds it to the metrics of the stream. It waits
/// for nobody, and no error comes of it. For the thread of the stream.
class ReadMeter {
 public:
  /// `consumer` is the UUID of the consumer, or "". The references must outlive it.
  ReadMeter(Stream& stream, const Clock& clock, std::string consumer)
      : clock_(clock), consumer_(std::move(consumer)), started_(clock.elapsed()), recorder_(stream.metrics(), clock) {}

  /// Counts what a read returned. `took` is how long the request to the stream took; absent if this is more of what the
  /// last request returned.
  void read(std::span<const StoredBatch> batches, std::optional<Duration> took);

  /// Counts records that a checkpoint has passed.
  void processed(std::uint64_t records);

  /// Counts a read request of a shard that has to wait for capacity.
  void throttled(ShardId shard);

  // The propagation delay of a record is measured only while the reader is at the tail: later it would tell how far
  // behind the reader was, which is what the age tells.

  void reached_tail() { at_tail_ = true; }
  void fell_behind() { at_tail_ = false; }

  /// As metrics::Recorder has them.
  [[nodiscard]] Duration until_due() const { return recorder_.until_due(); }
  void write_if_due() { recorder_.write_if_due(); }

  /// Writes what is left. Count nothing more. A short reader without a consumer writes nothing: a look into a stream
  /// does not change it.
  void finish();

 private:
  const Clock& clock_;
  std::string consumer_;
  Duration started_;
  metrics::Recorder recorder_;
  std::set<ShardId> called_;  ///< the shards for which the last request is counted
  bool at_tail_ = false;
};

}  // namespace shardlog::consuming

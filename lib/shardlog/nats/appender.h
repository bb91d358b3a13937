#pragma once

#include <optional>
#include <span>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/nats/exactly_once.h"
#include "shardlog/nats/shard_publisher.h"
#include "shardlog/nats/trimmer.h"

namespace shardlog::nats {

/// Appends batches. Each is a message of the data stream, with an outcome of its own; only batches with a move are
/// stored together. The arrivals in Stored are estimates, by the Clock that the stream was opened with: when the
/// acknowledgement came. What readers see is the servers' time, which an acknowledgement does not tell.
class Appender {
 public:
  /// `session` must outlive it.
  explicit Appender(Session& session);

  /// As Stream::append(). What stays unclear is Unknown. Throws usage for moves of more than one source, and
  /// malformed for a move with more than largest_append().
  std::vector<Outcome> append(const AppendRequest& request);

 private:
  std::optional<Outcome> lacking_room(std::span<const RoutedBatch> batches);
  std::vector<Outcome> store(std::span<const RoutedBatch> batches, const Patience& patience);
  std::vector<Outcome> publish(std::span<const RoutedBatch> batches, std::vector<Outcome> outcomes,
                               const Patience& patience);

  Session& session_;
  Trimmer trimmer_;
  ShardPublisher publisher_;
  ExactlyOnce exactly_once_;
};

}  // namespace shardlog::nats

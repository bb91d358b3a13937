#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/producing/packed.h"
#include "shardlog/producing/record_outcome.h"

namespace shardlog::producing {

/// What became of Packed records.
struct Written {
  /// As they were stored in the end: batches may have been cut when they were routed again.
  Packed packed;
  std::vector<Outcome> outcomes;     ///< of each batch; never Sealed, and Throttled only where a stop was asked for
  std::vector<std::size_t> origins;  ///< of each batch: which it was, or was part of, when it was given

  /// REQUIRES: the place is one of packed.places, and not one that was left out
  [[nodiscard]] RecordOutcome of(const Place& place) const;

  /// Throws what the first batch that is not stored has met: busy, io, or as it was refused.
  void check() const;
};

/// Stores packed records in a stream: deals out the runs, routes again what meets a closed shard, tries again what is
/// throttled. For one thread at a time.
class Writer {
 public:
  /// Called with each new shard map, for whoever packs more records meanwhile.
  using OnNewMap = std::function<void(const ShardMap&)>;

  /// `description` is that of the stream, which must outlive it.
  Writer(Stream& stream, const StreamDescription& description, Sync sync, OnNewMap on_new_map = {});

  /// Stores all, and moves the producers in one with it. Waits as long as it is throttled, or until `stop` is
  /// requested. Throws as Stream::append().
  Written store(Packed packed, std::span<const ProducerMove> moves = {}, const std::stop_token& stop = {});

  [[nodiscard]] const ShardMap& map() const { return router_.map(); }

 private:
  using Batches = std::vector<std::size_t>;  // by their places in Written

  void append(Written& written, const Batches& batches, std::span<const ProducerMove> moves);
  void route_sealed_again(Written& written);

  Stream& stream_;
  Router router_;  ///< deals out the runs: here they come in the order of the input
  Sync sync_;
  OnNewMap on_new_map_;
};

}  // namespace shardlog::producing

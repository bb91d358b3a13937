#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/producer.h"

namespace shardlog::producing {

/// Packed records and their outcomes.
struct Written {
  Packed packed;                  ///< as stored: routing again may have cut batches
  std::vector<Outcome> outcomes;  ///< of each batch; never Sealed, and Throttled only after a stop was requested

  /// REQUIRES: `place` is one of packed.places whose record was packed
  [[nodiscard]] RecordOutcome of(const Place& place) const;

  /// Throws the fault of the first record that is not stored: busy, io, or the code of its refusal.
  void check() const;
};

/// Stores packed records in a stream: deals out the runs, routes batches of closed shards again, and tries throttled
/// batches again. For one thread at a time.
class Writer {
 public:
  /// Called with each new shard map, so that the caller can pack further records by it.
  using OnNewMap = std::function<void(const ShardMap&)>;

  /// `description` is that of `stream`, which must outlive the writer.
  Writer(Stream& stream, const StreamDescription& description, Sync sync, OnNewMap on_new_map = {});

  /// Stores all batches, and moves the producers in one commit with them. Waits while it is throttled, until `stop` is
  /// requested. Throws as Stream::append().
  Written store(Packed packed, std::span<const ProducerMove> moves = {}, const std::stop_token& stop = {});

  [[nodiscard]] const ShardMap& map() const { return router_.map(); }

 private:
  using Batches = std::vector<std::size_t>;  // by their indexes in Written

  void append(Written& written, const Batches& batches, std::span<const ProducerMove> moves);
  void route_sealed_again(Written& written);

  Stream& stream_;
  Router router_;  ///< deals out the runs here, because only here they are in the order of the input
  Sync sync_;
  OnNewMap on_new_map_;
};

}  // namespace shardlog::producing

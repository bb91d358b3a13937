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
  Packed packed;  ///< as stored: routing again may have cut batches
  /// Of each batch. Never Sealed. Throttled, and NoRoom in a stream that blocks, only after a stop was requested.
  std::vector<Outcome> outcomes;

  /// REQUIRES: `place` is one of packed.places whose record was packed
  [[nodiscard]] RecordOutcome of(const Place& place) const;

  /// Throws the fault of the first record that is not stored: busy, full, io, or the code of its refusal.
  void check() const;
};

/// Stores packed records in a stream: deals out the runs, routes batches of closed shards again, tries throttled
/// batches again, and waits for room in a bounded stream. For one thread at a time.
class Writer {
 public:
  /// Called with each new shard map, so that the caller can pack further records by it.
  using OnNewMap = std::function<void(const ShardMap&)>;

  /// Called again and again, at least every 100 ms, while there is no room for a batch.
  using OnNoRoom = std::function<void(const NoRoom&)>;

  /// `description` is that of `stream`, which must outlive the writer.
  Writer(Stream& stream, const StreamDescription& description, Sync sync, OnNewMap on_new_map = {});

  /// Stores all batches, and moves the producers in one commit with them; without producers, a bounded stream gets
  /// them in several commits. Waits while it is throttled, or while a stream that blocks has no room, until `stop` is
  /// requested. Throws as Stream::append(), and what `on_no_room` throws.
  Written store(Packed packed, std::span<const ProducerMove> moves = {}, const std::stop_token& stop = {},
                const OnNoRoom& on_no_room = {});

  [[nodiscard]] const ShardMap& map() const { return router_.map(); }

 private:
  using Batches = std::vector<std::size_t>;  // by their indexes in Written

  void append(Written& written, const Batches& batches, std::span<const ProducerMove> moves);
  void append_part(Written& written, std::span<const std::size_t> batches, std::span<const ProducerMove> moves);
  [[nodiscard]] std::size_t part_of(const Written& written, std::span<const std::size_t> batches) const;
  void route_sealed_again(Written& written);

  Stream& stream_;
  Router router_;  ///< deals out the runs, which are in the order of the input only here
  Sync sync_;
  std::uint64_t most_at_once_;  ///< bytes of data and keys
  OnNewMap on_new_map_;
};

}  // namespace shardlog::producing

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

/// Says at which limit a record found no capacity.
RecordNotStored over_limit(const Throttled& throttled);

/// What a slice lacks that has to wait.
Throttled throttled_by(const capacity::Slice& slice);

/// Packed records and their outcomes.
struct Written {
  Packed packed;  ///< as stored: routing again may have cut batches
  /// Of each batch. Never Sealed. Throttled, and NoRoom in a stream that blocks, only after a stop was requested.
  std::vector<Outcome> outcomes;
  capacity::Slice next{};  ///< see Writer::store_reserved()
  bool throttled = false;  ///< they had to wait for capacity, or are not stored for lack of it

  /// REQUIRES: `place` is one of packed.places whose record was packed
  [[nodiscard]] RecordOutcome of(const Place& place) const;

  /// Throws the fault of the first record that is not stored: busy, full, io, or the code of its refusal.
  void check() const;
};

/// Stores packed records in a stream: deals out the runs, routes batches of closed shards again, keeps to the limits of
/// the stream, and waits for room in a bounded stream. For one thread at a time.
///
/// store() does all of this by itself: it reserves what the records need together, and waits. A program with more
/// records to come reserves ahead, and may do other things meanwhile (capacity/writing.h): it has each piece dealt,
/// reserves a slice of the pieces, waits, and stores the slice with store_reserved(), which reserves the next.
///
/// What is reserved stays reserved while its records wait for room. Nothing more is reserved until they are stored.
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
  /// requested. `ahead` is as in AppendRequest. Throws as Stream::append(), and what `on_no_room` throws.
  Written store(Packed packed, std::span<const ProducerMove> moves = {}, const std::stop_token& stop = {},
                const OnNoRoom& on_no_room = {}, Ahead ahead = {});

  /// Whether the stream limits what is written, as far as the writer has noticed.
  [[nodiscard]] const capacity::Limits& limits() const { return limits_; }
  [[nodiscard]] bool limited() const { return limits_.write_records || limits_.write_bytes; }

  /// Notices limits that were changed. store() does it by itself where the stream has got limits.
  void learn_limits();

  /// Gives the runs their shards, in stretches of at most 100 ms' worth. Returns what the records need.
  capacity::Step deal(Packed& packed);

  /// As WriteCapacity::reserve().
  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid);

  /// As store(), for records that were dealt and reserved, and whose wait for capacity is over. The commit that stores
  /// the last of them also reserves a slice of `next`, which comes after them and of whose first step `paid` was paid.
  Written store_reserved(Packed packed, std::span<const ProducerMove> moves, std::span<const capacity::Step> next,
                         const capacity::Seconds& paid, const std::stop_token& stop = {},
                         const OnNoRoom& on_no_room = {});

  [[nodiscard]] const ShardMap& map() const { return router_.map(); }

 private:
  using Batches = std::vector<std::size_t>;  // by their indexes in Written

  /// How batches are stored.
  struct Terms {
    std::span<const ProducerMove> moves;
    bool reserved = false;
    std::span<const capacity::Step> next{};
    capacity::Seconds paid{};  ///< of the first of them
    Ahead ahead{};
  };

  /// Consecutive runs that go to the same shard.
  struct Stretch {
    std::size_t shard = 0;  ///< its index in the map's open_shards()
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };

  Written store_all(Written written, const Terms& terms, const std::stop_token& stop, const OnNoRoom& on_no_room);
  std::optional<Throttled> wait_for_capacity(Written& written, const std::stop_token& stop);
  void append(Written& written, const Batches& batches, const Terms& terms);
  void append_part(Written& written, std::span<const std::size_t> batches, const Terms& terms);
  std::vector<Outcome> append(std::span<const RoutedBatch> batches, const Terms& terms, Written& written);
  [[nodiscard]] std::size_t part_of(const Written& written, std::span<const std::size_t> batches) const;
  void route_sealed_again(Written& written);
  void use(StreamDescription description);
  [[nodiscard]] bool fits(const Stretch& stretch, const EncodedBatch& run) const;

  Stream& stream_;
  capacity::Limits limits_;
  std::optional<Stretch> stretch_;
  Router router_;  ///< deals out the runs here, because only here they are in the order of the input
  Sync sync_;
  std::uint64_t most_at_once_;  ///< bytes of data and keys
  OnNewMap on_new_map_;
};

}  // namespace shardlog::producing

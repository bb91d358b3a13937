#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/log/records.h"

namespace shardlog::producing {

/// Where a record is among packed ones.
struct Place {
  static constexpr std::uint32_t not_packed = UINT32_MAX;

  std::uint32_t batch;  ///< its index in Packed::batches; not_packed: the caller left the record out
  std::uint32_t index;  ///< in that batch; if the record was left out, whatever the caller chose

  friend bool operator==(const Place&, const Place&) = default;
};

/// Records on their way into a stream: routed, encoded, checksummed.
struct Packed {
  std::vector<RoutedBatch> batches;
  std::vector<std::size_t> runs;  ///< the indexes of batches without keys, which any shard may take; ascending
  std::vector<Place> places;      ///< of each record in the order of the input; empty unless requested

  /// Appends another input, which follows this one.
  void append(Packed next);

  /// Gives the runs their shards.
  void deal(Router& router);
};

/// Gathers records by shard and encodes them. Records without a key are cut into runs, which get their shards when they
/// are stored. For one thread at a time.
class Packer {
 public:
  /// `compression` is that of the stream. A batch has at most `most_bytes` of data and keys, or one record.
  Packer(ShardMap map, Compression compression, bool with_places, std::uint64_t most_bytes = max_batch_bytes);

  /// Routes by another map from the next record on. REQUIRES: everything was flushed
  void use(ShardMap map);

  [[nodiscard]] ShardMap::Version version() const { return router_.map().version(); }

  /// What was added for one shard and is not encoded yet.
  struct Held {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };

  /// Borrows the record until flush(). Returns what its shard holds then; records without a key count as one shard's.
  Held add(const Record& record);

  /// Adds records without keys, in the form that encode_lines() takes. Borrows nothing.
  void add_lines(std::string_view lines, std::span<const std::uint32_t> lengths);

  /// Notes a place for a record that is not packed.
  void leave_out(std::uint32_t index) {
    if (with_places_) packed_.places.push_back({Place::not_packed, index});
  }

  /// For copies: when the records added from now on arrived in the stream that they come from.
  void set_arrival(std::optional<Timestamp> arrived_at);

  /// How much input there was so far, if more than was added here. It decides how long runs are.
  void set_input_bytes(std::uint64_t bytes) { input_bytes_ = bytes; }

  /// Encodes the records that were added.
  void flush();

  /// Returns the encoded batches, those of each shard in the order of its records. REQUIRES: everything was flushed
  Packed take() { return std::exchange(packed_, {}); }

  /// Bytes of the encoded payloads.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Pending {
    std::vector<Record> records;
    std::vector<std::size_t> inputs;  ///< their indexes in Packed::places
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::size_t shards() const { return router_.map().open_shards().size(); }
  /// Records without a key have their own slot. But if there is only one shard, they share its slot with the other
  /// records, so that all records keep their order.
  [[nodiscard]] std::size_t keyless_slot() const { return shards() == 1 ? 0 : shards(); }
  [[nodiscard]] std::size_t slot_of(const Record& record);
  [[nodiscard]] std::uint64_t input_bytes() const { return std::max(input_bytes_, added_bytes_); }
  void push(std::size_t slot, EncodedBatch batch);
  void flush_slot(std::size_t slot);

  Router router_;
  Compression compression_;
  bool with_places_;
  std::uint64_t batch_bound_;  ///< bytes of data and keys
  std::optional<Timestamp> arrived_at_;
  std::uint64_t input_bytes_ = 0;
  std::uint64_t added_bytes_ = 0;
  std::vector<Pending> pending_;  ///< by slot: the index in the map's open_shards(), then the slot for runs
  Packed packed_;
};

/// How many records of these lengths, counted from the first, fit into one batch of at most `most_records` and
/// `most_bytes`: at least one if there is any.
std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records,
                    std::uint64_t most_bytes = max_batch_bytes);

}  // namespace shardlog::producing

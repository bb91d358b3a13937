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
#include "shardlog/producing/packed.h"

namespace shardlog::producing {

/// Gathers records by the shards that they go to, and encodes them. Those without a key are cut into runs, which are
/// dealt out when they are stored. For one thread at a time.
class Packer {
 public:
  /// The compression is that of the stream. Places are noted where they are wanted.
  Packer(ShardMap map, Compression compression, bool with_places);

  /// From the next record on. REQUIRES: everything was flushed
  void use(ShardMap map);

  [[nodiscard]] ShardMap::Version version() const { return router_.map().version(); }

  /// Borrows it until flush().
  void add(const Record& record);

  /// Adds as many records without keys, as encode_lines() takes them, as `lengths` has. Borrows nothing.
  void add_lines(std::string_view lines, std::span<const std::uint32_t> lengths);

  /// A record that is left out has its place among the others: see Place.
  void leave_out(std::uint32_t index) {
    if (with_places_) packed_.places.push_back({Place::not_packed, index});
  }

  /// Records that are added from now on arrived then, where they are copied from.
  void set_arrival(std::optional<Timestamp> arrived_at);

  /// How much input there is up to here, if more than what was added here: it decides how long runs are.
  void set_input_bytes(std::uint64_t bytes) { input_bytes_ = bytes; }

  /// Encodes what was added.
  void flush();

  /// What is encoded, in the order of the records of each shard. REQUIRES: flush()ed
  Packed take() { return std::exchange(packed_, {}); }

  /// Bytes of the payloads that are encoded.
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Pending {
    std::vector<Record> records;
    std::vector<std::size_t> inputs;  ///< their places in the order of the input
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::size_t shards() const { return router_.map().open_shards().size(); }
  /// Where records without a key wait. One shard takes them with the others, so that it keeps the order of all.
  [[nodiscard]] std::size_t keyless_place() const { return shards() == 1 ? 0 : shards(); }
  [[nodiscard]] std::size_t place_of(const Record& record);
  [[nodiscard]] std::uint64_t input_bytes() const { return std::max(input_bytes_, added_bytes_); }
  void push(std::size_t place, EncodedBatch batch);
  void flush_pending(std::size_t place);

  Router router_;
  Compression compression_;
  bool with_places_;
  std::optional<Timestamp> arrived_at_;
  std::uint64_t input_bytes_ = 0;
  std::uint64_t added_bytes_ = 0;
  std::vector<Pending> pending_;  ///< by place in the shard map's open_shards(); those to be dealt out come last
  Packed packed_;
};

/// How many records of these lengths, from the first on, fit into one batch of at most `most_records`.
std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records);

}  // namespace shardlog::producing

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/producer.h"
#include "shardlog/core/shard_map.h"
#include "shardlog/log/records.h"

/// What an append that moves a producer is written as, so that all of it is stored, and once. Pure.
///
///     slp.NAME.U.<hash of name>.<hash of source>.<n>           slot n: small; the claim of it is the commit
///     slp.NAME.U.<hash of name>.<hash of source>.<n>.<token>   its body: all batches; removed when they are in the
///     data
///                                                              stream. A slot whose body is gone is complete.
///
/// Each batch is a part of the slot. In the data stream it is a message with an id that everybody who completes the
/// slot makes alike. A part whose shard was closed before it was stored is split over the children, and so on: its path
/// says which way it went, "2/7/11" for what went from part 2 to shard 7, and from there to shard 11.
namespace shardlog::nats {

struct Slot {
  ProducerId id;
  std::uint64_t number = 1;              ///< counts up from 1 and is never used again
  std::string token{};                   ///< a UUID: tells whose claim it is
  std::optional<ProducerPosition> to{};  ///< nullopt: the producer was forgotten
  std::optional<std::uint64_t> body{};   ///< the sequence of its body in the producers' stream; nullopt: no parts
  std::uint64_t floor = 0;               ///< its parts come after this message of the data stream
  ShardMap::Version version = 0;         ///< of the map that they were routed by

  friend bool operator==(const Slot&, const Slot&) = default;
};

std::string encode(const Slot& slot);
/// Throws corrupt, and unsupported for what a newer version wrote.
Slot decode_slot(std::string_view text);

/// The body of a slot: the shards and batches. Each part gets a few bytes more than its payload.
std::string encode_body(std::span<const RoutedBatch> parts);
/// Throws as decode_slot().
std::vector<RoutedBatch> decode_body(std::string_view text);

/// What encode_body() adds, in bytes, at most.
constexpr std::size_t body_overhead(std::size_t parts) {
  return 64 + 16 * parts;
}

/// The most bytes of payloads that fit a message, alone or as the body of a slot, with their headers.
constexpr std::uint64_t largest_append(std::uint64_t max_payload) {
  constexpr std::uint64_t others = 60UL * 1024;  // headers, and what a body adds for thousands of parts
  return max_payload > others ? max_payload - others : 0;
}

/// The last part of the subjects of a producer's batches: its hash, with that of the source.
std::string producer_token(const ProducerId& id);

/// Nats-Msg-Id of a part, or of what was split off one.
std::string part_id(const ProducerId& id, std::uint64_t slot, std::string_view path);

/// The header SL-P of it: "producer source n path position", each percent-encoded.
std::string producer_facts(const Slot& slot, std::string_view path);

/// Some of the records of a batch.
struct Split {
  ShardId shard;
  EncodedBatch batch;
  std::vector<std::uint32_t> records;  ///< their indexes in the whole batch
};

/// Splits a batch of a closed shard over the shards that took over from it, always in the same way: a record goes where
/// its hash key is, and a record without a key to the first of those that are there. REQUIRES: not empty, and together
/// they have all of the hash keys
std::vector<Split> split(const EncodedBatch& batch, std::span<const Shard> children);

/// A batch with the same bytes.
EncodedBatch copy_of(const EncodedBatch& batch);

}  // namespace shardlog::nats

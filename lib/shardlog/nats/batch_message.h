#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/record_batch.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"
#include "shardlog/core/shard_map.h"
#include "shardlog/nats/jetstream.h"

/// A record batch as a message of the data stream: the payload as it is on every engine, and these headers:
///
///     Nats-Msg-Id    a UUID a batch, so that a batch that is sent again is stored once
///     SL             "count bytes map-version checksum"; the checksum (XXH3-64, hexadecimal) is over the stream's
///     UUID, the shard,
///                    the count, the bytes and the payload's own checksum
///     SL-P           of a producer's part: "producer source n part position", each percent-encoded: producers.h
///
/// A message <epoch>.<shard>.end has no batch: the first one of a shard ends it, and whatever comes after it is void.
namespace shardlog::nats {

inline constexpr const char* batch_header = "SL";
inline constexpr const char* producer_header = "SL-P";
inline constexpr const char* id_header = "Nats-Msg-Id";

/// A sequence number is the sequence of the message times this, plus the index of the record: ordered, with gaps.
constexpr std::uint64_t numbers_a_message = max_batch_records;

/// Of the records of a message.
inline SequenceRun sequences_of(std::uint64_t message, std::size_t count) {
  return SequenceRun::dense(message * numbers_a_message, count);
}
/// The message that a record's number names; nullopt if the number is too large for this engine.
std::optional<std::uint64_t> message_of(const SequenceNumber& number);

struct BatchFacts {
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;  ///< data and keys
  ShardMap::Version version = 0;
  std::uint64_t checksum = 0;
};

/// The value of the header SL.
std::string batch_facts(const std::string& uuid, ShardId shard, const EncodedBatch& batch, ShardMap::Version version);

/// Throws corrupt. `uuid` and the payload are not looked at.
BatchFacts parse_batch_facts(std::string_view header);

/// Throws corrupt unless the message is what was written for this stream and shard.
void check(const BatchFacts& facts, const std::string& uuid, ShardId shard, std::string_view payload);

}  // namespace shardlog::nats

#include "tools/stream-serve/api/shard_start.h"

#include <fmt/format.h>

#include <chrono>

#include "shardlog/kinesis/sequence_number.h"

namespace shardlog::serve::api {

namespace {

std::int64_t milliseconds_of(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

/// The number that a client names, if it is one of this shard.
Result<SequenceNumber> number_in(const Call& call, const Shard& shard, const std::string& text,
                                 const std::string& stream) {
  const auto number = kinesis::parse_sequence_number(text);
  if (!number) {
    return Refusal{invalid_argument, fmt::format("StartingSequenceNumber {} used in {} on shard {} in stream {} under "
                                                 "account {} is invalid.",
                                                 text, call.action, shard.id.to_string(), stream, call.account.id)};
  }
  if (number->shard != shard.id.number()) {
    return Refusal{invalid_argument,
                   fmt::format("Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard "
                               "with {}",
                               ShardId(number->shard).to_string(), shard.id.to_string())};
  }
  return SequenceNumber(number->number);
}

/// Where a position of all shards leads in this one. It is found now: at the first read it would be another one.
ShardStart pinned(Stream& stream, ShardId shard, const Position& position) {
  const LocatedStart located = stream.locate(position, {shard}).at(0);
  if (!located.next) throw Error(ErrorCode::internal, shard.to_string() + ": the engine has no number for a position");
  return {shard, AtSequence{*located.next, located.not_before}};
}

Result<ShardStart> start_at_time(const Call& call, Stream& stream, ShardId shard, std::optional<Timestamp> time) {
  if (!time) {
    return Refusal{invalid_argument,
                   "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no "
                   "timestamp parameter."};
  }
  const Timestamp now = call.environment.clock.now();
  if (*time > now) {
    return Refusal{invalid_argument,
                   fmt::format("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                               "timestampInMillis: {}, currentTimestampInMillis: {}",
                               milliseconds_of(*time), milliseconds_of(now))};
  }
  return pinned(stream, shard, AtTime{*time});
}

}  // namespace

Result<ShardStart> start_of(const Call& call, Stream& stream, const Shard& shard, const std::string& stream_name,
                            const Wanted& wanted) {
  const auto& [type, sequence, time] = wanted;
  const bool needs_sequence = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER";
  if (needs_sequence != sequence.has_value()) {
    return Refusal{invalid_argument,
                   fmt::format("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
                               "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
                               "Request specified {} and {} StartingSequenceNumber.",
                               type, sequence ? "also a" : "no")};
  }
  if (needs_sequence) {
    auto number = number_in(call, shard, *sequence, stream_name);
    if (const Refusal* const refused = refusal_of(number)) return *refused;
    const auto& at = std::get<SequenceNumber>(number);
    return type == "AT_SEQUENCE_NUMBER" ? ShardStart{shard.id, AtSequence{at}}
                                        : ShardStart{shard.id, AfterSequence{at}};
  }
  if (type == "AT_TIMESTAMP") return start_at_time(call, stream, shard.id, time);
  if (type == "LATEST") return pinned(stream, shard.id, Latest{});
  return ShardStart{shard.id, TrimHorizon{}};
}

Refusal no_shard(const Call& call, std::string_view shard, std::string_view stream) {
  return {resource_not_found,
          fmt::format("Shard {} in stream {} under account {} does not exist", shard, stream, call.account.id)};
}

}  // namespace shardlog::serve::api

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/log/reader.h"

namespace shardlog::serve::identity {

/// How long iterators and page tokens can be used (Kinesis API, "GetRecords" and "ListShards").
constexpr Duration token_lifetime = std::chrono::minutes(5);

/// Whether a token of this time may be used: a clock that was set back may have issued it a lifetime later. A token can
/// be forged, with any time.
enum class Age { valid, expired, impossible };

constexpr Age age_of(Timestamp issued_at, Timestamp now) {
  if (issued_at > now + token_lifetime) return Age::impossible;
  return issued_at < now - token_lifetime ? Age::expired : Age::valid;
}

/// What a shard iterator stands for. It survives a restart of the server, and does not lead to another stream that was
/// made under the same name.
struct ShardIterator {
  Timestamp issued_at;  ///< in whole milliseconds
  std::string stream;
  std::string uuid;  ///< of the stream
  ShardStart start;  ///< TrimHorizon, AtSequence or AfterSequence, with numbers of 64 bits
};

/// As long as those of Kinesis (mhart/kinesalite, db/index.js, "createShardIterator").
std::string to_string(const ShardIterator& iterator);

/// Nullopt unless to_string() has made it.
std::optional<ShardIterator> parse_iterator(std::string_view text);

/// Where a list of shards goes on. A filter goes with it, because the request for the next page has none.
struct ShardListToken {
  Timestamp issued_at;
  std::string stream;
  std::string uuid;
  ShardId after;
  std::string filter;  ///< the name of its type, or empty
  Timestamp filter_time{};
};

std::string to_string(const ShardListToken& token);
std::optional<ShardListToken> parse_shard_list_token(std::string_view text);

}  // namespace shardlog::serve::identity

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/reshard/by_load.h"
#include "tools/stream-stats/rates.h"

namespace shardlog::cli {

/// A key that most of what a shard takes in has. To split the shard would not help.
struct HotKey {
  std::string key;
  double share = 0;  ///< of the records or of the bytes, whichever is nearer to its limit

  friend bool operator==(const HotKey&, const HotKey&) = default;
};

/// Nullopt if no key has more than half.
std::optional<HotKey> hottest_key(const std::vector<reshard::KeySample>& samples, bool by_bytes);

/// Of the shards that used more than 70 % of a limit in the last minute; of the eight busiest if there are more. Looks
/// at some 2,000 of the records that each of them took in; a shard has none if these are damaged. Throws as
/// Reader::next(), but not corrupt.
std::map<ShardId, HotKey> hot_keys(Stream& stream, const std::map<ShardId, Utilisation>& utilisations, Timestamp now);

}  // namespace shardlog::cli

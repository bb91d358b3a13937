#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/sequence_number.h"
#include "shardlog/log/settings.h"
#include "tools/stream-serve/wire/writer.h"

/// How shards and their sequence numbers are written.
namespace shardlog::serve::api {

/// Writes the sequence numbers of a stream in the form of Kinesis.
class Numbering {
 public:
  explicit Numbering(const ShardMap& map);

  /// Nullopt if the shard is not in the map. Throws internal if the engine's number is larger than 2^63-1.
  [[nodiscard]] std::optional<std::string> of(ShardId shard, const SequenceNumber& sequence,
                                              Timestamp arrived_at) const;

  /// Before the first record of the shard, and after the last one that it can have.
  [[nodiscard]] std::string start_of(const Shard& shard) const;
  [[nodiscard]] std::string end_of(const Shard& shard) const;

 private:
  [[nodiscard]] std::string of(const Shard& shard, std::uint64_t number, Timestamp arrived_at) const;

  std::map<ShardId, std::int64_t> opened_;
};

/// Whether the shard can still be seen: it is open, or was closed within the retention.
bool is_visible(const Shard& shard, const StreamSettings& settings, Timestamp now);

/// A retention in whole hours, rounded up. One for ever has the most hours that a client can read.
std::int64_t hours_of(Duration retention);

/// The shards of `map` that are wanted, in the order of their ids, at most `limit` of them.
struct ShardPage {
  std::vector<Shard> shards;
  bool has_more = false;
};
ShardPage page_of(const ShardMap& map, std::size_t limit, const std::function<bool(const Shard&)>& wanted);

void write_hash_range(wire::Writer& to, const HashRange& range);
void write_shard(wire::Writer& to, const Shard& shard, const Numbering& numbering);
/// A member "ChildShards": those that took over from a shard.
void write_children(wire::Writer& to, const std::vector<Shard>& children);

}  // namespace shardlog::serve::api

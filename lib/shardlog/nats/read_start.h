#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/nats/scan.h"
#include "shardlog/nats/session.h"

/// Where reads begin and end. The data stream orders all records of all shards, so a sequence number is a place in all
/// of them:
///
///     message              17           18             19
///     shard              shard 0      shard 1        shard 0
///     numbers / 2^20   17.0 .. 17.4     18.0      19.0 .. 19.2        a read that ends at 18.0 stops there in both
namespace shardlog::nats {

constexpr std::uint64_t no_number = std::numeric_limits<std::uint64_t>::max();

/// Where reading of a shard goes on.
struct Cursor {
  std::uint64_t next = 0;                      ///< nothing before this number is wanted
  Timestamp not_before = Timestamp::min();     ///< nor anything before the first that arrived at this time or later
  Timestamp hidden_before = Timestamp::min();  ///< what arrived before was past retention when the read began
  bool by_number = true;                       ///< what was trimmed from `next` on is missed
  bool ended = false;                          ///< that was told
};
using Cursors = std::map<ShardId, Cursor>;

struct ReadStart {
  Cursors cursors;                   ///< of each shard to read
  std::uint64_t last = 0;            ///< the last message when the positions were resolved
  std::uint64_t end = no_number;     ///< nothing from this number on, in any shard
  std::optional<Timestamp> until{};  ///< a time that has not come: the first message that comes then ends the read
};

/// Resolves the positions of a request; the trim horizon is left to the first read: such cursors have no by_number.
/// Throws as Stream::read(). Refreshes the session and `ends`.
ReadStart resolve(Session& session, const ReadRequest& request, ShardEnds& ends);

/// As Stream::locate().
std::vector<LocatedStart> locate(Session& session, const Position& position, const std::vector<ShardId>& shards);

/// The least number that a record of the shard can have: above the ends of its parents.
std::uint64_t first_number(const Shard& shard, const ShardEnds& ends);

}  // namespace shardlog::nats

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/core/export.h"
#include "shardlog/core/position.h"

namespace shardlog {

/// Every record of a closed shard is processed (KCL's sentinel SHARD_END).
struct ShardEnd {
  /// The consumer begins at this time, and no record of the shard arrived at it or later. So the shard's children begin
  /// at this time too.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const ShardEnd&, const ShardEnd&) = default;
};

/// Where a consumer goes on in one shard.
/// - A consumer may begin at a time for which no record has arrived yet. Its checkpoint is then the next sequence
///   number, with that time as `not_before`, until a record that arrived at that time or later is processed.
/// - AtTime is used only on engines that cannot pin a time, or Latest, as a number (Capabilities::latest_has_number).
///   For Latest it holds the time at which the consumer asked for it.
using Checkpoint = std::variant<Beginning, TrimHorizon, Latest, AtTime, AtSequence, AfterSequence, ShardEnd>;

/// beginning, trim-horizon, latest, time:MICROSECONDS, at:SEQUENCE, after:SEQUENCE or shard-end. Beginning, at and
/// shard-end may be followed by @ and the time before which records are skipped. Times are microseconds since the
/// epoch.
SHARDLOG_API std::string to_string(const Checkpoint& checkpoint);
/// The inverse of to_string(); nullopt for any other text.
SHARDLOG_API std::optional<Checkpoint> parse_checkpoint(std::string_view text);

/// The checkpoint that is further in the shard; `a` if both are equally far.
SHARDLOG_API Checkpoint later(const Checkpoint& a, const Checkpoint& b);

}  // namespace shardlog

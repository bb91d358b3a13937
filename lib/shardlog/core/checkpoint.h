#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/core/export.h"
#include "shardlog/core/position.h"

namespace shardlog {

/// All of a closed shard is done (KCL's sentinel SHARD_END).
struct ShardEnd {
  /// No record of it had arrived at this time or later, which is where the consumer begins: so its children begin
  /// there.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const ShardEnd&, const ShardEnd&) = default;
};

/// How far a consumer has come in one shard: where it reads on.
/// - A time that has not come when a consumer is to begin there stays with its first sequence number, as `not_before`,
///   until a record that arrived by then is processed.
/// - A time alone stands where the engine cannot pin a time, or Latest, as a number (Capabilities::latest_has_number):
///   for Latest it is that at which the consumer was to begin there.
using Checkpoint = std::variant<Beginning, TrimHorizon, Latest, AtTime, AtSequence, AfterSequence, ShardEnd>;

/// beginning, trim-horizon, latest, time:MICROSECONDS, at:SEQUENCE, after:SEQUENCE or shard-end. Beginning, at and
/// shard-end may be followed by @ and the time before which records are skipped. Times are microseconds since the
/// epoch.
SHARDLOG_API std::string to_string(const Checkpoint& checkpoint);
/// The same back; nothing if it is none of these.
SHARDLOG_API std::optional<Checkpoint> parse_checkpoint(std::string_view text);

}  // namespace shardlog

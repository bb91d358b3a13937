#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/core/position.h"

namespace shardlog {

/// All of a closed shard is done (KCL's sentinel SHARD_END).
struct ShardEnd {
  /// No record of it had arrived at this time or later, which is where the consumer begins: so its children begin
  /// there.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const ShardEnd&, const ShardEnd&) = default;
};

/// How far a consumer has come in one shard: where it reads on. A time that has not come when a consumer is to begin
/// there stays with its first sequence number, as `not_before`, until a record that arrived by then is processed. At
/// sequence number 0 is the shard's very beginning: what was trimmed of it counts as missed. At the trim horizon it is
/// the oldest record that is there when reading begins.
using Checkpoint = std::variant<TrimHorizon, AtSequence, AfterSequence, ShardEnd>;

/// trim-horizon, at:SEQUENCE, after:SEQUENCE or shard-end, at and shard-end of which may be followed by @ and the
/// time before which records are skipped, in microseconds since the epoch; and back, or nothing if it is none of these.
std::string to_string(const Checkpoint& checkpoint);
std::optional<Checkpoint> parse_checkpoint(std::string_view text);

}  // namespace shardlog

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/core/position.h"

namespace shardlog {

/// All of a closed shard is done (KCL's sentinel SHARD_END).
struct ShardEnd {
  friend bool operator==(const ShardEnd&, const ShardEnd&) = default;
};

/// How far a consumer has come in one shard: where it reads on. At sequence number 0 is the shard's very beginning:
/// what was trimmed of it counts as missed. At the trim horizon it is the oldest record that is there when reading
/// begins.
using Checkpoint = std::variant<TrimHorizon, AtSequence, AfterSequence, ShardEnd>;

/// trim-horizon, at:SEQUENCE, after:SEQUENCE or shard-end; and back, nothing where it is none of them.
std::string to_string(const Checkpoint& checkpoint);
std::optional<Checkpoint> parse_checkpoint(std::string_view text);

}  // namespace shardlog

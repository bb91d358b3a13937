#pragma once

#include "shardlog/core/checkpoint.h"

namespace shardlog::consuming {

/// The one that is further in the shard; the first one where they are equal.
inline Checkpoint later(const Checkpoint& a, const Checkpoint& b) {
  struct Rank {
    int of_kind;
    std::optional<SequenceNumber> sequence;
    bool behind;

    explicit Rank(const Checkpoint& checkpoint) : of_kind(0), behind(false) {
      if (const auto* at = std::get_if<AtSequence>(&checkpoint)) {
        of_kind = 1;
        sequence = at->sequence;
      } else if (const auto* after = std::get_if<AfterSequence>(&checkpoint)) {
        of_kind = 1;
        sequence = after->sequence;
        behind = true;
      } else if (std::holds_alternative<ShardEnd>(checkpoint)) {
        of_kind = 2;
      }
    }
    auto operator<=>(const Rank&) const = default;
  };
  return Rank(a) < Rank(b) ? b : a;
}

}  // namespace shardlog::consuming

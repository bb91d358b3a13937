#pragma once

#include <string>
#include <variant>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"

namespace shardlog::producing {

/// A record that is stored.
struct RecordStored {
  ShardId shard;
  SequenceNumber sequence;
  Timestamp arrived_at;
};

/// One that is not, or of which that is not known (then the code is io).
struct RecordNotStored {
  ErrorCode code;
  std::string reason;
};

using RecordOutcome = std::variant<RecordStored, RecordNotStored>;

}  // namespace shardlog::producing

#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "shardlog/core/clock.h"
#include "shardlog/core/sequence_number.h"

namespace shardlog {

/// Where reading starts or ends (Kinesis API, "ShardIteratorType"). The last two are of one shard.
struct TrimHorizon {  ///< the oldest record that is still there
  friend bool operator==(const TrimHorizon&, const TrimHorizon&) = default;
};
struct Latest {};  ///< just after the newest record at the moment the read is set up
struct AtTime {    ///< the first record that arrived at this time or later
  Timestamp time;
};
struct LastRecords {  ///< before the newest `count` records at the moment the read is set up
  std::uint64_t count;
};
struct AtSequence {  ///< before the record with this number, or the first one after it
  SequenceNumber sequence;
  std::optional<Timestamp> not_before{};  ///< records that arrived before this time are skipped

  friend bool operator==(const AtSequence&, const AtSequence&) = default;
};
struct AfterSequence {  ///< just after the record with this number
  SequenceNumber sequence;

  friend bool operator==(const AfterSequence&, const AfterSequence&) = default;
};

using Position = std::variant<TrimHorizon, Latest, AtTime, LastRecords, AtSequence, AfterSequence>;

}  // namespace shardlog

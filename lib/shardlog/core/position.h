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
struct Latest {  ///< just after the newest record at the moment the read is set up
  friend bool operator==(const Latest&, const Latest&) = default;
};
struct AtTime {  ///< the first record that arrived at this time or later
  Timestamp time;

  friend bool operator==(const AtTime&, const AtTime&) = default;
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

/// Before the first record that a shard has ever had: what retention took of it counts as missed, while TrimHorizon is
/// content with what is there.
struct Beginning {
  std::optional<Timestamp> not_before{};  ///< records that arrived before this time are skipped

  friend bool operator==(const Beginning&, const Beginning&) = default;
};

}  // namespace shardlog

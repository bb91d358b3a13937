#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "shardlog/core/clock.h"
#include "shardlog/core/sequence_number.h"

namespace shardlog {

/// Where a caller asks to start or end reading (Kinesis API, "ShardIteratorType"). A sequence number is a position in
/// one shard, the others are positions in all.
struct TrimHorizon {  ///< the oldest record that still exists
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
struct AtSequence {  ///< before the record with this number; if there is no such record, before the next one
  SequenceNumber sequence;
  std::optional<Timestamp> not_before{};  ///< records that arrived before this time are skipped

  friend bool operator==(const AtSequence&, const AtSequence&) = default;
};
struct AfterSequence {  ///< just after the record with this number
  SequenceNumber sequence;

  friend bool operator==(const AfterSequence&, const AfterSequence&) = default;
};

using Position = std::variant<TrimHorizon, Latest, AtTime, LastRecords, AtSequence, AfterSequence>;

/// Before the first record that a shard ever had. Records that retention removed count as missed; with TrimHorizon they
/// do not.
struct Beginning {
  std::optional<Timestamp> not_before{};  ///< records that arrived before this time are skipped

  friend bool operator==(const Beginning&, const Beginning&) = default;
};

}  // namespace shardlog

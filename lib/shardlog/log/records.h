#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shardlog/core/arrivals.h"
#include "shardlog/core/error.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"

/// What goes into a stream and what comes out of it.
namespace shardlog {

/// A batch and the shard that it was routed to.
struct RoutedBatch {
  ShardId shard;
  EncodedBatch batch;
  /// When its records arrived in the stream that they are copied from. Nothing: they arrive now. The copy keeps it if
  /// it can: see Stream::append().
  std::optional<Timestamp> arrived_at{};
};

// What became of a batch that was appended.

/// All of it is stored, as safely as was asked for.
struct Stored {
  SequenceRun sequences;  ///< one for each record
  Arrivals arrivals;      ///< not always those that were asked for
};

/// Not stored: its shard, or another one of an atomic append, was closed since it was routed. Route it again.
struct Sealed {};

/// Not stored: a limit of the shard is exhausted. Try again.
struct Throttled {
  bool records = false;     ///< of records a second
  bool bytes = false;       ///< of bytes a second
  Duration retry_after{0};  ///< the least that it takes
};

/// Not stored, and it never will be.
struct Refused {
  ErrorCode code;
  std::string reason;
};

/// Nobody knows whether it is stored.
struct Unknown {
  std::string reason;
};

/// Some of its records are stored, and each of the others is not, for a reason of its own. Only engines whose appends
/// are not atomic do this.
struct StoredInPart {
  struct Place {
    SequenceNumber sequence;
    Timestamp arrived_at;
  };
  std::vector<std::variant<Place, Sealed, Throttled, Refused, Unknown>> records;  ///< in their order
};

using Outcome = std::variant<Stored, StoredInPart, Sealed, Throttled, Refused, Unknown>;

/// A batch as it was stored, and which of its records were asked for: all but where a read starts or ends within it.
struct StoredBatch {
  ShardId shard;
  Arrivals arrivals;
  SequenceRun sequences;  ///< one for each record
  RecordBatch records;
  std::size_t first = 0;  ///< the place of the first record that was asked for
  std::size_t count = 0;  ///< how many were, from there on
};

/// Sequence numbers whose records cannot be read any more. Not every number need have had a record.
struct Gap {
  enum class Reason {
    trimmed,  ///< retention took them before they were read
    lost,     ///< see Loss
  };

  ShardId shard;
  SequenceNumber first;
  SequenceNumber last;
  Reason reason = Reason::trimmed;

  friend bool operator==(const Gap&, const Gap&) = default;
};

}  // namespace shardlog

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"
#include "shardlog/log/pinned_pages.h"
#include "shardlog/log/settings.h"

/// The batches that go into a stream, their outcomes, and the batches that come out of it.
namespace shardlog {

/// A batch and the shard that it was routed to.
struct RoutedBatch {
  ShardId shard;
  EncodedBatch batch;
  /// When its records arrived in the stream that they are copied from; nullopt: they arrive now. The copy keeps this
  /// time if it can: see Stream::append().
  std::optional<Timestamp> arrived_at{};
};

/// When the records of one batch arrived, in their order.
class Arrivals {
 public:
  /// All at once.
  explicit Arrivals(Timestamp all) : first_(all) {}

  /// Each at its own time. REQUIRES: at least one
  explicit Arrivals(std::vector<Timestamp> each) : first_(each.front()), each_(std::move(each)) {}

  /// REQUIRES: index is that of a record
  [[nodiscard]] Timestamp operator[](std::size_t index) const { return each_.empty() ? first_ : each_[index]; }

  /// True only if all have the same time.
  [[nodiscard]] bool at_once() const { return each_.empty(); }

 private:
  Timestamp first_;
  std::vector<Timestamp> each_;  ///< empty if all arrived at once
};

// The outcomes of a batch that was appended.

/// All of it is stored, as safely as requested.
struct Stored {
  SequenceRun sequences;          ///< one for each record
  Arrivals arrivals;              ///< not always the requested ones
  std::vector<ShardId> shards{};  ///< of each record, if they are not in the shard that they were routed to; else empty

  [[nodiscard]] ShardId shard_of(std::size_t index, ShardId routed_to) const {
    return shards.empty() ? routed_to : shards[index];
  }
};

/// Not stored: after the batch was routed, its shard or another shard of the same atomic append was closed. Route it
/// again.
struct Sealed {};

/// Not stored: a shard that the append needs is at a limit. Try again.
struct Throttled {
  bool records = false;     ///< at the limit of records a second
  bool bytes = false;       ///< at the limit of bytes a second
  Duration retry_after{0};  ///< at the earliest
};

/// Not stored: the stream would hold more than it may. There is room again when consumers have come further, or
/// retention has taken records.
struct NoRoom {
  WhenFull when_full = WhenFull::block;  ///< reject: do not wait for room
  std::uint64_t held = 0;                ///< bytes of data and keys
  std::uint64_t most = 0;                ///< that may be held
};

/// Not stored, and trying again will not help.
struct Refused {
  ErrorCode code;
  std::string reason;
};

/// It may be stored or not: nobody knows.
struct Unknown {
  std::string reason;
};

/// Some of its records are stored; each of the others has its own reason. Only engines whose appends are not atomic do
/// this.
struct StoredInPart {
  struct Record {
    SequenceNumber sequence;
    Timestamp arrived_at;
  };
  std::vector<std::variant<Record, Sealed, Throttled, NoRoom, Refused, Unknown>> records;  ///< in their order
};

using Outcome = std::variant<Stored, StoredInPart, Sealed, Throttled, NoRoom, Refused, Unknown>;

/// A batch as it was stored, and which of its records belong to the read: all, unless the read starts or ends inside
/// it.
struct StoredBatch {
  ShardId shard;
  Arrivals arrivals;
  SequenceRun sequences;  ///< one for each record
  RecordBatch records;
  std::size_t first = 0;  ///< index of the first record of the read
  std::size_t count = 0;  ///< how many records from there on
  /// The beginning of records.lines(), if ReadRequest::pin_lines asked for it; often null even then.
  std::shared_ptr<const PinnedPages> pinned{};
};

/// Sequence numbers whose records cannot be read any more. Some of the numbers may never have had a record.
struct Gap {
  enum class Reason {
    trimmed,  ///< retention removed them before they were read
    lost,     ///< see Loss
  };

  ShardId shard;
  SequenceNumber first;
  SequenceNumber last;
  Reason reason = Reason::trimmed;

  friend bool operator==(const Gap&, const Gap&) = default;
};

}  // namespace shardlog

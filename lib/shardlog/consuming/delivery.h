#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Records of a stored batch that stand one behind the other.
struct Slice {
  std::shared_ptr<const StoredBatch> stored;
  std::size_t first = 0;  ///< the place of the first one in it
  std::size_t count = 0;  ///< at least 1
};

/// Consecutive records of one shard that are delivered together.
struct SHARDLOG_API Batch {
  ShardId shard;
  std::uint64_t epoch = 0;       ///< of the lease: a fencing token
  std::uint64_t generation = 1;  ///< of the lease
  std::vector<Slice> slices;     ///< at least one, in the order of the records

  [[nodiscard]] std::size_t records() const;
  [[nodiscard]] std::uint64_t bytes() const;  ///< data and keys
  [[nodiscard]] SequenceNumber first_sequence() const;
  [[nodiscard]] SequenceNumber last_sequence() const;
  [[nodiscard]] Timestamp first_arrival() const;

  /// Its records from the place `first` on, `count` of them, as a batch of their own.
  [[nodiscard]] Batch part(std::size_t first, std::size_t count) const;
};

/// What has to be done now and then while a worker is busy, so that it keeps its leases.
class SHARDLOG_API Lifeline {
 public:
  virtual ~Lifeline() = default;

  /// How long it is until tend() is due; 0 where it is overdue.
  [[nodiscard]] virtual Duration until_due() const = 0;

  /// Does what is due. Throws fenced where a lease was lost: whatever is under way must end, and nothing of it counts.
  virtual void tend() = 0;
};

/// Where records of one shard were dealt with, up to this one.
struct Processed {
  ShardId shard;
  SequenceNumber last;
};

/// What a worker does with the records: hand them to a command, write them to a pipe. For one thread.
class SHARDLOG_API Delivery {
 public:
  virtual ~Delivery() = default;

  /// Where reading of the lease's shard is to begin: at its checkpoint, or where more is known to be done, later.
  virtual Checkpoint start(const Lease& lease) { return lease.checkpoint; }

  /// Deals with the batch, or begins to. False where nothing behind what is processed() is to be delivered any more: it
  /// failed for good, there is enough, or a stop was asked for. Tends the lifeline whenever it is due, and lets its
  /// errors through.
  virtual bool deliver(const Batch& batch, Lifeline& lifeline) = 0;

  /// False where deliver() would say so of whatever comes next, or where what was delivered will never be dealt with.
  /// Asked while there is nothing to deliver.
  virtual bool wants_more() { return true; }

  /// Requested once wants_more() has become false by itself: a worker that waits for records asks it then.
  virtual std::stop_token refusal() { return {}; }

  /// Tells that retention took records before they were delivered. False as deliver().
  virtual bool tell(const Gap& gap) = 0;

  /// What was dealt with since the last call, in any order.
  virtual std::vector<Processed> processed() = 0;

  /// Called when nothing more can be read yet: hand over the batch as it is.
  virtual void flush(Lifeline& lifeline) = 0;

  /// Waits until all that was delivered is dealt with, or never will be.
  virtual void finish(Lifeline& lifeline) = 0;
};

}  // namespace shardlog::consuming

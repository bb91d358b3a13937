#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "shardlog/capacity/limits.h"
#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Bytes of data and keys of `count` records from index `first` on. That of a whole batch is known without a look at
/// its records.
SHARDLOG_API std::uint64_t bytes_of_part(const StoredBatch& stored, std::size_t first, std::size_t count);
inline std::uint64_t bytes_of(const StoredBatch& stored, std::size_t first, std::size_t count) {
  return count == stored.records.size() ? stored.records.data_bytes() : bytes_of_part(stored, first, count);
}

/// Consecutive records of a stored batch.
struct SHARDLOG_API Slice {
  std::shared_ptr<const StoredBatch> stored;
  std::size_t first = 0;  ///< index of the first record
  std::size_t count = 0;  ///< at least 1

  [[nodiscard]] std::uint64_t bytes() const;  ///< data and keys
};

/// The most that a batch holds.
struct BatchLimits {
  std::size_t records = 1000;
  std::uint64_t bytes = 1024UL * 1024;  ///< data and keys; a single record may be larger
  Duration wait{0};                     ///< how long to wait for a full batch, counted from its first record
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

  /// `count` of its records from index `first` on, as a batch of their own.
  [[nodiscard]] Batch part(std::size_t first, std::size_t count) const;
};

/// Keeps the leases of a worker while it is busy.
class SHARDLOG_API Lifeline {
 public:
  virtual ~Lifeline() = default;

  /// The time until tend() is due; 0 if it is overdue.
  [[nodiscard]] virtual Duration until_due() const = 0;

  /// Renews what is due. Throws fenced if a lease was lost: then stop the current delivery, because it does not count.
  virtual void tend() = 0;
};

/// How far records of one shard are processed.
struct Processed {
  ShardId shard;
  SequenceNumber last;
};

/// Why a reader waits for capacity.
struct Throttling {
  capacity::Limits limits;
  bool calls = false;  ///< it has reached the limit of calls, or else that of bytes
};

/// What a worker does with the records: hands them to a command, or writes them to a pipe. For one thread.
class SHARDLOG_API Delivery {
 public:
  virtual ~Delivery() = default;

  /// Where to begin reading the lease's shard: at its checkpoint, or later if more records are known to be processed.
  virtual Checkpoint start(const Lease& lease) { return lease.checkpoint; }

  /// Processes the batch, or begins to. Returns false to get no further records: the batch failed for good, there are
  /// enough, or a stop was requested. Must tend the lifeline whenever that is due, and let its errors through.
  virtual bool deliver(const Batch& batch, Lifeline& lifeline) = 0;

  /// False if deliver() would return false for any batch, or if delivered records will never be processed. Called while
  /// there is nothing to deliver.
  virtual bool wants_more() { return true; }

  /// Requested as soon as wants_more() becomes false, to wake a worker that waits for records.
  virtual std::stop_token refusal() { return {}; }

  /// Told of records that retention removed before they were delivered. Returns as deliver().
  virtual bool tell(const Gap& gap) = 0;

  /// Told once for each time of a second or more for which the worker waits for capacity.
  virtual void throttled(const Throttling& /*why*/) {}

  /// What was processed since the last call, in any order.
  virtual std::vector<Processed> processed() = 0;

  /// Called when nothing more can be read yet: pass on records that were held back.
  virtual void flush(Lifeline& lifeline) = 0;

  /// Waits until everything delivered is processed, or never will be.
  virtual void finish(Lifeline& lifeline) = 0;
};

}  // namespace shardlog::consuming

#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

struct WorkerOptions {
  std::string consumer;  ///< its name; it is there
  std::string worker;    ///< the name that this worker goes by; no two of one process at once have the same one
  Duration lease_duration = std::chrono::seconds(10);
  std::size_t workers = 1;  ///< so many begin together: each takes no more than its share, as long as others can
  bool follow = false;
  std::optional<Duration> idle_exit{};  ///< when following: end after this long with nothing to do
  std::optional<Duration> poll{};       ///< when following: look at this interval only, instead of being woken

  // What a batch is made of at most; a single record may be larger. `batch_wait` is how long to wait for a batch to be
  // full, counted from its first record.
  std::size_t batch_records = 1000;
  std::uint64_t batch_bytes = 1024UL * 1024;
  Duration batch_wait{0};
};

/// How a run of a worker went.
struct WorkerReport {
  bool missed_records = false;        ///< there were gaps
  bool refused = false;               ///< the delivery wanted no more
  bool held_any = false;              ///< it had a lease at some time
  std::vector<Lease> left_to_others;  ///< without follow: shards that live workers of the consumer hold
};

/// Reads the shards that it holds leases for, and delivers them, until it is stopped, or, without follow, until all
/// that was there at the start and that nobody else holds is delivered. Parents before their children. Leaves its
/// leases free, their checkpoints where the delivery has come to.
///
/// A checkpoint is written after a batch that is dealt with, but not more than once in 20 ms while there is more to
/// deliver: so much may come again after a crash.
///
/// Throws fenced where a lease was lost (its message says to whom), not_found where the consumer is not there, and as
/// Stream and the delivery do. `stream` is open for writing; it is this worker's alone. All must outlive the call.
SHARDLOG_API WorkerReport run_worker(const WorkerOptions& options, Stream& stream, Delivery& delivery,
                                     const Clock& clock, const std::stop_token& stop);

}  // namespace shardlog::consuming

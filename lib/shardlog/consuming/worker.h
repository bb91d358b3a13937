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
  std::string consumer;  ///< the name of an existing consumer
  std::string worker;    ///< the name of this worker; two workers of one process must not use one name at the same time
  Duration lease_duration = std::chrono::seconds(10);
  std::size_t workers = 1;  ///< how many begin together: each takes only its share while others may come for theirs
  bool follow = false;
  std::optional<Duration> idle_exit{};  ///< when following: end after this long with nothing to do
  std::optional<Duration> poll{};       ///< when following: look at this interval instead of being woken by commits
  BatchLimits batch{};
};

/// What happened during a run of a worker.
struct WorkerReport {
  bool missed_records = false;        ///< there were gaps
  bool refused = false;               ///< the delivery wanted no more records
  bool held_any = false;              ///< it had a lease at some time
  std::vector<Lease> left_to_others;  ///< without follow: leases that live workers of the consumer hold
};

/// Reads the shards for which it holds leases, parents before their children, and delivers their records. Ends when
/// `stop` is requested or the delivery wants no more. Without follow it also ends once it has delivered all records
/// that were in the stream at the start, except those of shards whose leases other workers hold. Leaves its leases
/// free, with checkpoints after the records that were processed.
///
/// Writes a checkpoint after a processed batch. While there is more to deliver, it does so at most once in 20 ms. After
/// a crash the records processed since the last checkpoint may be delivered again.
///
/// Throws fenced if a lease was lost (the message says to whom), not_found if there is no such consumer, and as Stream
/// and the delivery do. `stream` is open for writing, and nothing else may use it meanwhile.
SHARDLOG_API WorkerReport run_worker(const WorkerOptions& options, Stream& stream, Delivery& delivery,
                                     const Clock& clock, const std::stop_token& stop);

}  // namespace shardlog::consuming

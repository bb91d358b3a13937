#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/metrics/measures.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/rates.h"

/// What a stream's metrics say of the last minute and of the last hour.
namespace shardlog::cli {

constexpr std::size_t minutes_shown = 60;

/// Something that is counted: what comes in, what is throttled.
struct Traffic {
  /// Of what programs report later: the newest whole minute that all of them have reported, if anything happened in it.
  /// So a reader that keeps up reads as much as comes in.
  Rate last_minute{};
  /// Records a second in each of the last 60 whole minutes of the clock, the oldest first.
  std::vector<double> last_hour = std::vector<double>(minutes_shown);

  [[nodiscard]] double peak() const;
  [[nodiscard]] bool empty() const { return peak() == 0 && last_minute == Rate{}; }
};

/// Something that takes time, as far as it was measured in the last minute and the one before.
struct Latency {
  std::uint64_t count = 0;
  Duration p50{};
  Duration p99{};
  Duration max{};

  friend bool operator==(const Latency&, const Latency&) = default;
};

/// Nullopt if there is nothing to measure.
std::optional<Latency> latency_of(const metrics::Histogram& histogram);

/// What one consumer, or all that read, got.
struct ReaderTraffic {
  Traffic out{};
  Traffic throttled{};                   ///< calls are read requests that waited for capacity
  std::optional<Latency> read{};         ///< "consumer latency"
  std::optional<Latency> propagation{};  ///< arrival to read, at the tail
  std::optional<Latency> age{};          ///< arrival to read, always
  std::uint64_t skewed = 0;              ///< records that were read before they arrived, by the clocks
  bool is_known = true;                  ///< false: some of what was measured in the last minutes cannot be read
};

struct StreamTraffic {
  Traffic in{};
  Traffic throttled{};  ///< writers; a record counts once
  Traffic dropped{};
  std::map<ShardId, Rate> reads{};  ///< of each shard, by all readers: over the newest minute that they have reported
  std::optional<Latency> put{};     ///< "producer latency"
  ReaderTraffic all_readers{};
  std::map<std::string, ReaderTraffic> readers{};  ///< by the UUID of the consumer
  bool is_known = true;                            ///< as ReaderTraffic::is_known, of what writers measured
  bool is_in_known = true;                         ///< likewise, of what came in: the batches may say it too
  bool is_damaged = false;                         ///< some of what was measured in the last hour cannot be read
};

/// What of a period lies between two times, 0 to 1. A period that has not ended yet is as long as it has lasted.
double part_between(const metrics::Period& period, Timestamp from, Timestamp until, Timestamp now);

/// From the periods of at least the last hour before `now`.
StreamTraffic traffic_of(std::span<const metrics::Period> periods, Timestamp now);

/// Fills in the rates over the last minute, and the busiest minute, that the batches cannot tell because some of them
/// were trimmed: metrics count those too. Does nothing without metrics, or if some of them are damaged.
void complete(Arrivals& arrivals, std::span<const metrics::Period> periods, Timestamp now);

/// As trend_of(), for the newest quarter of an hour since the consumer was made: from its backlog now, which is exact,
/// and from what came in and what it has processed before. Nullopt also if neither happened, or if some of it cannot be
/// read.
///
/// Readers report late what they have processed, so all that came in since a report may seem to be unprocessed. But the
/// backlog of now bounds how much that can be. And if something has been processed that was not yet read at the newest
/// report, the consumer has gone on since: then the minute of that report is the last one that counts.
std::optional<double> growth_of_backlog(std::span<const metrics::Period> periods, const ConsumerStatistics& consumer,
                                        Timestamp now);

}  // namespace shardlog::cli

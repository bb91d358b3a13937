#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/metrics/measures.h"
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
  std::optional<Latency> put{};  ///< "producer latency"
  ReaderTraffic all_readers{};
  std::map<std::string, ReaderTraffic> readers{};  ///< by the UUID of the consumer
  bool is_known = true;                            ///< as ReaderTraffic::is_known, of what writers measured
  bool is_damaged = false;                         ///< some of what was measured in the last hour cannot be read
};

/// What of a period lies between two times, 0 to 1. A period that has not ended yet is as long as it has lasted.
double part_between(const metrics::Period& period, Timestamp from, Timestamp until, Timestamp now);

/// From the periods of at least the last hour before `now`.
StreamTraffic traffic_of(std::span<const metrics::Period> periods, Timestamp now);

/// Fills in the rates over the last minute, and the busiest minute, that the batches cannot tell because some of them
/// were trimmed: metrics count those too. Does nothing without metrics, or if some of them are damaged.
void complete(Arrivals& arrivals, std::span<const metrics::Period> periods, Timestamp now);

/// As trend_of(), from what came in and what a consumer has processed in the minutes since `since`: at most the newest
/// quarter of an hour that readers have reported all of. Nullopt also if neither happened, or if some of it cannot be
/// read.
std::optional<double> growth_of_backlog(std::span<const metrics::Period> periods, const std::string& consumer_uuid,
                                        Timestamp since, Timestamp now);

}  // namespace shardlog::cli

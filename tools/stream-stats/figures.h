#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/consumer_statistics.h"
#include "tools/stream-stats/hot_keys.h"
#include "tools/stream-stats/outlook.h"
#include "tools/stream-stats/rates.h"
#include "tools/stream-stats/traffic.h"

namespace shardlog::cli {

struct ConsumerFigures {
  ConsumerStatistics statistics;
  Duration age{};  ///< of the oldest record that is not processed
  ReaderTraffic traffic{};
  Outlook outlook{};
};

/// All that stream-stats knows of a stream at one moment. Every page, format and check shows a part of it.
struct Figures {
  std::string name;  ///< as it is shown
  StreamStatistics statistics;
  Timestamp now;
  Capabilities::Survives survives = Capabilities::Survives::power_cut;
  Arrivals arrivals{};
  StreamTraffic traffic{};
  std::vector<ConsumerFigures> consumers{};
  std::vector<Producer> producers{};
  std::map<ShardId, HotKey> hot_keys{};

  [[nodiscard]] const StreamSettings& settings() const { return statistics.description.settings; }
};

/// Sums over the shards. Absent if the engine cannot tell.
struct Totals {
  std::optional<std::uint64_t> records = 0;
  std::optional<std::uint64_t> bytes = 0;
  std::optional<std::uint64_t> trimmed_records = 0;
  std::optional<Timestamp> first{};
  std::optional<Timestamp> last{};
};

Totals totals_of(const StreamStatistics& statistics);

/// Of the shard at a place among the statistics: how much of its limits came in and was read during the last minute.
Utilisation utilisation_of(const Figures& figures, std::size_t place);

/// Whose figures are wanted. `consumer`: of all consumers, or of the named one.
struct Subject {
  std::string address;
  std::string name;
  std::optional<std::string> consumer{};
};

/// What the stream measured between two times, the oldest first. Empty if its engine does not measure.
std::vector<metrics::Period> measured(Stream& stream, Timestamp from, Timestamp until);

/// What the metrics say goes into the figures that are there; `periods` are those of the last hour.
void add_traffic(Figures& figures, std::span<const metrics::Period> periods);

/// Throws as consumer_statistics() and Reader::next().
Figures figures_of(Stream& stream, const Subject& subject, Trends& trends, const Clock& clock);

}  // namespace shardlog::cli

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-stats/trend.h"

namespace shardlog::cli {

/// How far behind a consumer is.
struct ConsumerStatistics {
  struct Worker {
    std::string name;
    std::string process;  ///< from Liveness::describe()
    bool gone = false;    ///< known not to run any more
  };
  struct Part {
    ShardId shard;
    std::optional<Lease> lease;  ///< absent if the shard waits for its parents
    std::optional<Worker> owner{};
    std::optional<Worker> claimant{};
    std::optional<std::uint64_t> backlog{};  ///< records; absent if the engine cannot count them
  };

  Consumer consumer;
  std::vector<Part> parts;  ///< the shards that have a lease or will have one, in the order of their ids
  std::size_t owned = 0;    ///< how many of them are read by a worker that is not known to be gone
  std::size_t workers = 0;  ///< how many such workers there are
  std::optional<std::uint64_t> backlog{};
  std::optional<Timestamp> oldest{};  ///< when the first record of the backlog arrived
  std::optional<double> trend{};      ///< as trend_of(); absent if it is not known
};

/// Of all consumers, or of the named one. Throws not_found if the stream has no such consumer, and usage if the name is
/// not valid.
std::vector<ConsumerStatistics> consumer_statistics(Stream& stream, const std::optional<std::string>& name);

/// Tells whether a consumer keeps up, by comparing looks at it.
class Trends {
 public:
  /// Fills in the trends since an earlier look at this stream's consumers. `now` is when that was read, by a clock that
  /// never goes back. A change by what comes in within two seconds (`incoming` is records a second) is noise.
  void look(const std::string& stream, std::vector<ConsumerStatistics>& consumers, Duration now, double incoming);

 private:
  /// Those of the last minute, by the stream and the consumer's UUID.
  std::map<std::pair<std::string, std::string>, std::vector<BacklogAt>> looks_;
};

}  // namespace shardlog::cli

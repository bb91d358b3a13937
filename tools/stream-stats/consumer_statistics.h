#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// How far behind a consumer is.
struct ConsumerStatistics {
  struct Worker {
    std::string name;
    std::string process;  ///< as Liveness::describe() has it
    bool gone = false;    ///< for certain
  };
  struct Part {
    ShardId shard;
    std::optional<Lease> lease;  ///< nothing: it waits for its parents
    std::optional<Worker> owner{};
    std::optional<Worker> claimant{};
    std::optional<std::uint64_t> backlog{};  ///< records; nothing if the engine cannot count them
  };

  Consumer consumer;
  std::vector<Part> parts;  ///< the shards that have a lease, or will; in the order of their ids
  std::size_t owned = 0;    ///< how many of them somebody reads who is not known to be gone
  std::size_t workers = 0;  ///< how many those are
  std::optional<std::uint64_t> backlog{};
  std::optional<Timestamp> oldest{};  ///< when the first record of the backlog arrived
  std::optional<double> trend{};      ///< records a second that the backlog grows by; only with a look before
};

/// Of all consumers, or of one. Throws not_found where that is not there, and usage where it is no name.
std::vector<ConsumerStatistics> consumer_statistics(Stream& stream, const std::optional<std::string>& name);

/// Tells from two looks at a consumer whether it keeps up.
class Trends {
 public:
  /// Fills in the trends since the last look at this stream's consumers. `now` is of a clock that never goes back.
  void look(const std::string& stream, std::vector<ConsumerStatistics>& consumers, Duration now);

 private:
  struct Look {
    std::uint64_t backlog;
    Duration at;
  };
  std::map<std::pair<std::string, std::string>, Look> looks_;  ///< by the stream and the consumer's UUID
};

}  // namespace shardlog::cli

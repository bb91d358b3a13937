#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
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
};

/// Of all consumers, or of one. Throws not_found where that is not there, and usage where it is no name.
std::vector<ConsumerStatistics> consumer_statistics(Stream& stream, const std::optional<std::string>& name);

}  // namespace shardlog::cli

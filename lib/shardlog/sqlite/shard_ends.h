#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "shardlog/core/shard.h"

namespace shardlog::sqlite {

/// Notices when a read reaches the end of a closed shard.
class ShardEnds {
 public:
  /// The shard is closed, and its next record would have had the number `next`.
  void expect(std::int64_t shard, std::int64_t next) { ends_.try_emplace(shard, next); }
  [[nodiscard]] bool knows(std::int64_t shard) const { return ends_.contains(shard); }

  /// All records of the shard before `next` have been read, or are not wanted.
  void reach(std::int64_t shard, std::int64_t next) {
    const auto found = ends_.find(shard);
    if (found == ends_.end() || next < found->second) return;
    found->second = std::numeric_limits<std::int64_t>::max();  // not reached again
    reached_.emplace_back(static_cast<std::uint32_t>(shard));
  }

  /// The shards whose ends were reached since the last call.
  std::vector<ShardId> take() { return std::exchange(reached_, {}); }

 private:
  std::map<std::int64_t, std::int64_t> ends_;  ///< the number after the last record of each shard
  std::vector<ShardId> reached_;
};

}  // namespace shardlog::sqlite

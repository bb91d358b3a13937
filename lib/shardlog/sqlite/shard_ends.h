#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "shardlog/core/shard.h"

namespace shardlog::sqlite {

/// Notices when a read has come to the end of a closed shard.
class ShardEnds {
 public:
  /// The shard is closed, and `behind` the number that its next record would have had.
  void expect(std::int64_t shard, std::int64_t behind) { ends_.try_emplace(shard, End{behind}); }
  [[nodiscard]] bool knows(std::int64_t shard) const { return ends_.contains(shard); }

  /// All records of the shard before `next` were read, or are not wanted.
  void reach(std::int64_t shard, std::int64_t next) {
    const auto found = ends_.find(shard);
    if (found == ends_.end() || found->second.reached || next < found->second.behind) return;
    found->second.reached = true;
    reached_.emplace_back(static_cast<std::uint32_t>(shard));
  }

  /// The shards whose end was reached since the last call.
  std::vector<ShardId> take() { return std::exchange(reached_, {}); }

 private:
  struct End {
    std::int64_t behind = 0;
    bool reached = false;
  };

  std::map<std::int64_t, End> ends_;
  std::vector<ShardId> reached_;
};

}  // namespace shardlog::sqlite

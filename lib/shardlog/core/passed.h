#pragma once

#include <optional>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

/// The records that every consumer of a stream has passed.
///
///     shard 0   1 2 3 4 5 6 7
///                     ^ a   ^ b      a is at 4 and b at 7: 1 to 3 are passed
class Passed {
 public:
  /// `map` must outlive it. Nothing is passed if there are no consumers, or if a checkpoint is not a sequence number,
  /// as TrimHorizon.
  Passed(const ShardMap& map, const std::vector<Consumer>& consumers);

  /// Whether all records of the shard up to this one are passed.
  [[nodiscard]] bool up_to(ShardId shard, const SequenceNumber& last) const;

 private:
  /// The records before a number, or up to it.
  struct Limit {
    SequenceNumber number;
    bool included = false;

    friend auto operator<=>(const Limit&, const Limit&) = default;
  };
  static constexpr std::uint64_t before_all = 0;

  void add(const Consumer& consumer);
  static std::optional<Limit> limit_of(const Checkpoint& checkpoint);

  const ShardMap& map_;
  std::vector<std::optional<Limit>> limits_;  ///< of each shard of the map; nullopt: every record is passed
};

}  // namespace shardlog

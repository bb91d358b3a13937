#pragma once

#include <optional>
#include <vector>

#include "shardlog/log/stream.h"

/// Which shards of a consumer have leases, and how the leases change as shards are done: pure functions of the leases
/// and the shard map, which must be at least as new as the leases.
///
///     [----0----]        0 has a lease; 1, 2 and 3 wait for it. Once 0 is done, 1 and 2 get leases.
///     [-1-][-2--]        If 1 is done first, its lease stays and says so until 2 is done too.
///     [----3----]        Then 3 gets a lease, and the leases of 1 and 2 go away.
namespace shardlog::consuming {

/// A consumer's leases compared with the shard map. Borrows both.
class Frontier {
 public:
  /// Throws corrupt if they do not fit the map: a shard does not exist, an open shard is done, or the records of a
  /// shard would never be delivered, because neither it nor an ancestor has a lease.
  Frontier(const ShardMap& map, const std::vector<Lease>& leases);

  /// Nullptr if the shard has none.
  [[nodiscard]] const Lease* lease(ShardId shard) const { return leases_[index_of(shard)]; }

  /// Whether its lease says that it is done.
  [[nodiscard]] bool done(ShardId shard) const { return lease(shard) != nullptr && lease(shard)->done(); }

  /// Whether the shard or one of its descendants has a lease. Otherwise it waits for its parents.
  [[nodiscard]] bool started(ShardId shard) const { return started_[index_of(shard)]; }

  /// Whether an ancestor has a lease and is not done, so that the shard may not be read yet.
  [[nodiscard]] bool waits(ShardId shard) const { return waits_[index_of(shard)]; }

 private:
  [[nodiscard]] std::size_t index_of(ShardId shard) const;

  const ShardMap& map_;
  std::vector<const Lease*> leases_;  // by the index of the shard in the map, like the next two
  std::vector<bool> started_;
  std::vector<bool> waits_;
};

/// Throws corrupt, with the consumer's name, if its leases do not fit the map.
void check_leases(const ShardMap& map, const Consumer& consumer);

/// The changes that are due: each child whose parents are all done gets a lease with this generation, and each lease
/// that is done and that no child waits for is removed. Changes are due only after two workers finished the parents of
/// one child at the same moment, or after a checkpoint was set.
std::vector<LeaseChange> due_changes(const ShardMap& map, const std::vector<Lease>& leases, std::uint64_t generation);

/// The changes to make when the shard of `lease` is done: the change of its own lease, and those that are then due.
/// REQUIRES: `lease` is one of the leases
std::vector<LeaseChange> finish_changes(const ShardMap& map, std::vector<Lease> leases, const Lease& lease,
                                        std::uint64_t generation);

/// Where to go on reading a shard; nullopt if it is done.
std::optional<ShardStart> start_at(ShardId shard, const Checkpoint& checkpoint);

/// The leases of a consumer that begins at `position`, given its start in each shard. A shard of the map without a
/// start was opened later, and waits for its parents.
std::vector<Lease> first_leases(const ShardMap& map, const Position& position, const std::vector<LocatedStart>& starts,
                                std::uint64_t epoch, std::uint64_t generation);

/// The leases after one shard was set to a start found from `position`. New and set leases get this epoch and
/// generation. The ancestors of the shard are still read first.
std::vector<Lease> with_shard_at(const ShardMap& map, std::vector<Lease> leases, const Position& position,
                                 const LocatedStart& start, std::uint64_t epoch, std::uint64_t generation);

/// Applies the changes. The leases are in the order of their shards, before and after.
void make_changes(std::vector<Lease>& leases, const std::vector<LeaseChange>& changes);

/// Nullptr if the shard has none. REQUIRES: the leases are in the order of their shards
const Lease* find_lease(const std::vector<Lease>& leases, ShardId shard);

}  // namespace shardlog::consuming

#pragma once

#include <optional>
#include <vector>

#include "shardlog/log/stream.h"

/// Which shards of a consumer have leases, and what becomes of them as shards are done: pure functions of the leases
/// and the shard map. The map is to be at least as new as the leases are.
///
///     [----0----]        0 has a lease: 1, 2 and 3 wait for it. Once it is done 1 and 2 get leases. 1 is done first
///     [-1-][-2--]        and stays as a row that says so, until 2 is done too: then 3 gets a lease, and is all that
///     [----3----]        is left.
namespace shardlog::consuming {

/// A consumer's leases beside the shard map. Borrows both.
class Frontier {
 public:
  /// Throws corrupt where they do not fit the map: a shard that is not there, one that is open and done, or one whose
  /// records would never be delivered, because neither it nor an ancestor has a lease.
  Frontier(const ShardMap& map, const std::vector<Lease>& leases);

  /// Nullptr where there is none.
  [[nodiscard]] const Lease* lease(ShardId shard) const { return leases_[place_of(shard)]; }

  /// Whether its lease says that it is done.
  [[nodiscard]] bool done(ShardId shard) const;

  /// Whether it or one of its descendants has a lease. One without that waits for its parents.
  [[nodiscard]] bool started(ShardId shard) const { return started_[place_of(shard)]; }

  /// Whether one of its ancestors has a lease and is not done: it may not be read yet.
  [[nodiscard]] bool waits(ShardId shard) const { return waits_[place_of(shard)]; }

 private:
  [[nodiscard]] std::size_t place_of(ShardId shard) const;

  const ShardMap& map_;
  std::vector<const Lease*> leases_;  // by the place of the shard in the map, as the next two are
  std::vector<bool> started_;
  std::vector<bool> waits_;
};

/// Throws corrupt, with the consumer's name, where its leases do not fit the map.
void check_leases(const ShardMap& map, const Consumer& consumer);

/// None, one, or the two of a merge.
std::vector<ShardId> parents_of(const Shard& shard);

/// The leases that are due: of children all of whose parents are done, with this generation, and away with those that
/// say so and that no child waits for any more. Nothing is due but where two finished the parents of one child at once,
/// or a checkpoint was set.
std::vector<LeaseChange> due_changes(const ShardMap& map, const std::vector<Lease>& leases, std::uint64_t generation);

/// What changes when the shard of `lease`, which is one of the leases, is done: its own lease, and what is due then.
std::vector<LeaseChange> finish_changes(const ShardMap& map, std::vector<Lease> leases, const Lease& lease,
                                        std::uint64_t generation);

/// Where a shard is read on from; nothing where it is done.
std::optional<ShardStart> start_at(ShardId shard, const Checkpoint& checkpoint);

/// The leases of a consumer that begins at `position`, which is at these places, and their epoch and generation. A
/// shard of the map without a place, opened later, waits for its parents.
std::vector<Lease> first_leases(const ShardMap& map, const Position& position, const std::vector<ShardPlace>& places,
                                std::uint64_t epoch, std::uint64_t generation);

/// The leases after that of one shard was set to a place of a position. All that are new or set have this epoch and
/// generation. What was to be read before that shard still is.
std::vector<Lease> with_shard_at(const ShardMap& map, std::vector<Lease> leases, const Position& position,
                                 const ShardPlace& place, std::uint64_t epoch, std::uint64_t generation);

/// Makes the changes; the leases are in the order of their shards, before and after.
void make_changes(std::vector<Lease>& leases, const std::vector<LeaseChange>& changes);

/// Nullptr where there is none. The leases are in the order of their shards.
const Lease* find_lease(const std::vector<Lease>& leases, ShardId shard);

}  // namespace shardlog::consuming

#pragma once

#include <map>
#include <optional>
#include <string>

#include "shardlog/consuming/assignment.h"
#include "shardlog/core/clock.h"
#include "shardlog/log/parts.h"

namespace shardlog::consuming {

/// For messages: "'host:4711' (pid 4711)", or without what the engine does not know.
std::string text_of(const LeaseOwner& owner, Liveness& liveness);

/// What one worker has seen of the others. An owner has lost a lease if its counter has not moved for the owner's lease
/// duration on the clock of this worker: workers need no common clock.
class HolderWatch {
 public:
  /// `liveness` must outlive the watch.
  HolderWatch(LeaseOwner me, Liveness& liveness) : me_(std::move(me)), liveness_(liveness) {}

  /// Call it before the see() of each look at the leases.
  void begin() { processes_.clear(); }

  /// Notes a lease as it is at `now`, in Clock::elapsed().
  Holder see(const Lease& lease, Duration now);

  /// How long the lease has been free, whatever owners it had before; 0 if it is not free.
  [[nodiscard]] Duration free_for(ShardId shard, Duration now) const;

  /// When the owner will have lost this lease unless it shows that it is alive; nullopt for a lease without such an
  /// owner.
  [[nodiscard]] std::optional<Duration> expires_at(ShardId shard) const;

  /// For a lease that this worker took.
  void forget(ShardId shard) { seen_.erase(shard); }

 private:
  struct Seen {
    std::optional<LeaseOwner> owner;
    std::uint64_t epoch = 0;
    std::uint64_t counter = 0;
    Duration since{0};  ///< when it was first seen as it is now
    bool moved = false;
    std::optional<Duration> free_since{};
  };
  Holder judge(const Seen& seen, Duration now);
  Liveness::State state_of(const LeaseOwner& owner);

  LeaseOwner me_;
  Liveness& liveness_;
  std::map<ShardId, Seen> seen_;
  std::map<std::string, Liveness::State> processes_;  ///< in this look: many leases have one owner
};

}  // namespace shardlog::consuming

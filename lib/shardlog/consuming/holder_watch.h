#pragma once

#include <map>
#include <optional>
#include <string>

#include "shardlog/consuming/assignment.h"
#include "shardlog/core/clock.h"
#include "shardlog/log/parts.h"

namespace shardlog::consuming {

/// What one worker has seen of the others: it needs no clock in common with them. An owner that has not raised
/// the counter of a lease for its own lease duration, on the clock of this worker, has lost it.
class HolderWatch {
 public:
  /// `liveness` must outlive it.
  HolderWatch(LeaseOwner me, Liveness& liveness) : me_(std::move(me)), liveness_(liveness) {}

  /// Before the leases of one look are shown.
  void begin() { processes_.clear(); }

  /// Looks at a lease at the time `now` of the clock that never goes back.
  Holder see(const Lease& lease, Duration now);

  /// How long the lease was seen to be free, one after the other of its owners; 0 where it is not.
  [[nodiscard]] Duration free_for(ShardId shard, Duration now) const;

  /// When the owner of this lease has lost it if it is not seen before; nothing where that is not a question of time.
  [[nodiscard]] std::optional<Duration> expires_at(ShardId shard) const;

  /// Nothing more is known of this lease: it was taken, or it is gone.
  void forget(ShardId shard) { seen_.erase(shard); }

 private:
  struct Seen {
    std::optional<LeaseOwner> owner;
    std::uint64_t epoch = 0;
    std::uint64_t counter = 0;
    Duration since{0};  ///< it has been as it is
    bool moved = false;
    std::optional<Duration> free_since{};
  };
  Holder judge(const Seen& seen, Duration now);
  Liveness::State state_of(const LeaseOwner& owner);

  LeaseOwner me_;
  Liveness& liveness_;
  std::map<ShardId, Seen> seen_;
  std::map<std::string, Liveness::State> processes_;  ///< of this look: many leases have one owner
};

}  // namespace shardlog::consuming

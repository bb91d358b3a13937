#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/log/parts.h"

/// How workers share the shards: each decides for itself, by what it sees of the leases (KCL, "lease taker").
namespace shardlog::consuming {

/// What this worker knows about a lease's owner.
enum class Holder {
  nobody,
  me,
  gone,     ///< its process has ended
  expired,  ///< it has not shown for the lease's duration that it is alive
  unknown,  ///< it has not shown that it is alive, and has not been watched long enough to call it expired
  there,
};

/// Whether any worker may take the lease.
inline bool is_free(Holder holder) {
  return holder == Holder::nobody || holder == Holder::gone || holder == Holder::expired;
}

/// For messages: "'host:4711' (pid 4711)", or only the name if the engine cannot describe the process.
std::string text_of(const LeaseOwner& owner, Liveness& liveness);

/// What one worker has seen of the others. An owner has lost a lease if its counter has not moved for the owner's lease
/// duration on the clock of this worker: workers need no common clock. A long time between two looks counts only in
/// part: if the servers of a stream do not answer for 8 of 10 seconds, its owners cannot renew their leases, and
/// nobody must take them for lost the moment that the servers are back.
class HolderWatch {
 public:
  /// `liveness` must outlive the watch.
  HolderWatch(LeaseOwner me, Liveness& liveness) : me_(std::move(me)), liveness_(liveness) {}

  /// Call this at the start of each look at the leases, before see().
  void begin() { processes_.clear(); }

  /// Notes a lease as it is at `now`, in Clock::elapsed().
  Holder see(const Lease& lease, Duration now);

  /// How long the lease has been free, whatever owners it had before; 0 if it is not free.
  [[nodiscard]] Duration free_for(ShardId shard, Duration now) const;

  /// When the owner will lose this lease unless it shows before then that it is alive; nullopt if the lease is free.
  [[nodiscard]] std::optional<Duration> expires_at(ShardId shard) const;

  /// For a lease that this worker took.
  void forget(ShardId shard) { seen_.erase(shard); }

 private:
  struct Seen {
    std::optional<LeaseOwner> owner;
    std::uint64_t epoch = 0;
    std::uint64_t counter = 0;
    Duration last{0};     ///< when it was last seen
    Duration watched{0};  ///< how long it has stood still
    bool moved = false;
    std::optional<Duration> free_since{};
  };
  Holder judge(const Seen& seen);
  Liveness::State state_of(const LeaseOwner& owner);

  LeaseOwner me_;
  Liveness& liveness_;
  std::map<ShardId, Seen> seen_;
  std::map<std::string, Liveness::State> processes_;  ///< in this look: many leases have one owner
};

/// A lease that is not done, and what this worker knows about it.
struct Candidate {
  const Lease* lease = nullptr;
  Holder holder = Holder::nobody;
  bool open = true;    ///< the shard is open; leases of closed shards do not count as load
  bool waits = false;  ///< for an ancestor: do not take it yet
  bool left = false;   ///< it stayed free: the workers that are entitled to it did not take it
};

struct AssignmentRules {
  bool follow = false;      ///< even out the shards with the other workers, by claims too
  std::size_t workers = 1;  ///< at least this many share the shards
  bool everything = false;  ///< take all free leases, whatever the share
};

struct Assignment {
  std::vector<ShardId> take;       ///< free leases
  std::optional<ShardId> claim{};  ///< a lease of a worker with more of them
};

/// What `me` must do about these leases. It takes its share of the free leases, and those that others left. If no lease
/// is free, it claims one from the worker with the most leases. It claims none while an earlier claim of its own is
/// pending, or if no worker has at least two leases more than `me`. When all workers do this repeatedly, in the end
/// their shares differ by at most one.
Assignment assign(std::span<const Candidate> candidates, const LeaseOwner& me, const AssignmentRules& rules);

}  // namespace shardlog::consuming

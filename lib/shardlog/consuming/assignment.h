#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "shardlog/core/consumer.h"

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

/// A lease that is not done, and what this worker knows about it.
struct Candidate {
  const Lease* lease = nullptr;
  Holder holder = Holder::nobody;
  bool open = true;    ///< the shard is open: only then does the lease count as load
  bool waits = false;  ///< for an ancestor: do not take it yet
  bool left = false;   ///< it has been free so long that the workers entitled to it seem not to want it
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

/// What `me` must do about these leases. It takes its share of the free ones, and those that others left. If none is
/// free it claims one from the worker with most, unless a claim of its own is pending or nobody has two more. When all
/// workers do this repeatedly, their shares end up equal within one.
Assignment assign(std::span<const Candidate> candidates, const LeaseOwner& me, const AssignmentRules& rules);

}  // namespace shardlog::consuming

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "shardlog/core/consumer.h"

/// How workers share the shards among them, each for itself, by what it sees of the leases (KCL, "lease taker").
namespace shardlog::consuming {

/// What is known of a lease's owner.
enum class Holder {
  nobody,
  me,
  gone,     ///< its process is not there any more
  expired,  ///< it has not shown for the lease's duration that it is there
  unknown,  ///< not seen yet that it is there, and not seen long enough that it is not
  there,
};

/// A lease that is not done, and what is known of it.
struct Candidate {
  const Lease* lease = nullptr;
  Holder holder = Holder::nobody;
  bool open = true;    ///< the shard is: only such a lease counts as load
  bool waits = false;  ///< for an ancestor: not to be handed out yet
  bool left = false;   ///< free for so long that those whose share it is do not take it
};

struct AssignmentRules {
  bool follow = false;      ///< even out the shards with the other workers, by claims too
  std::size_t workers = 1;  ///< so many at least share the shards
  bool everything = false;  ///< take all that is free, whoever's share it is
};

struct Assignment {
  std::vector<ShardId> take;       ///< these are free
  std::optional<ShardId> claim{};  ///< somebody who has more holds this one
};

/// What `me` is to do about these leases. It takes its share of what is free, and what others left; where nothing is
/// free it claims one shard from who has most, unless a claim of its own is pending, or nobody has two more. Who does
/// so again and again ends with a share that is even within one.
Assignment assign(std::span<const Candidate> candidates, const LeaseOwner& me, const AssignmentRules& rules);

}  // namespace shardlog::consuming

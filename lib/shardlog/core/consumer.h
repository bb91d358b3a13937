#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/checkpoint.h"
#include "shardlog/core/shard.h"

/// What a stream remembers of those who read it together (KCL, "application"; its lease table). How workers share the
/// shards is decided in consuming/; an engine only keeps this, and compares before it changes it.
namespace shardlog {

/// One worker of a consumer.
struct LeaseOwner {
  std::string worker;          ///< the name it goes by
  std::string process;         ///< what tells it from every other that goes by that name: Liveness::self()
  Duration lease_duration{0};  ///< if it does not raise the counter of a lease for this long, it has lost it

  friend bool operator==(const LeaseOwner&, const LeaseOwner&) = default;
};

/// One shard of a consumer, and who reads it.
struct Lease {
  ShardId shard;
  std::optional<LeaseOwner> owner{};     ///< nobody where it is free
  std::optional<LeaseOwner> claimant{};  ///< who asks the owner for it, and gets it once the owner's batch is done
  std::uint64_t epoch = 0;               ///< raised whenever somebody becomes its owner: a fencing token
  std::uint64_t counter = 0;             ///< raised by its owner now and then, to show that it is there
  std::uint64_t generation = 1;          ///< the consumer's, as it was when the checkpoint was set and not reached
  Checkpoint checkpoint = TrimHorizon{};

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// A consumer has a lease for each shard that it has begun to read, or may begin, and for closed ones that are done
/// while a child waits for its other parent. A shard without one is done where one of its descendants has a lease, and
/// otherwise waits for its parents.
struct Consumer {
  std::string name;
  std::string uuid;              ///< of this consumer: another one of the same name, made later, has another
  std::uint64_t generation = 1;  ///< raised whenever checkpoints are set
  Timestamp created_at{};
  std::vector<Lease> leases{};  ///< in the order of their shards

  friend bool operator==(const Consumer&, const Consumer&) = default;
};

/// A change of one lease, on condition that it is as expected.
struct LeaseChange {
  std::optional<Lease> expected;  ///< nothing: there is none yet
  std::optional<Lease> desired;   ///< nothing: it goes away
};

}  // namespace shardlog

#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/checkpoint.h"
#include "shardlog/core/shard.h"

/// What a stream remembers of its consumers (KCL, "application"; its lease table). An engine only stores this, and
/// changes a lease only if it is as expected. How workers share the shards is decided in consuming/.
namespace shardlog {

/// One worker of a consumer.
struct LeaseOwner {
  std::string worker;          ///< its name
  std::string process;         ///< tells it from every other worker of that name: Liveness::self()
  Duration lease_duration{0};  ///< it loses a lease whose counter it has not raised for this long

  friend auto operator<=>(const LeaseOwner&, const LeaseOwner&) = default;
};

/// One shard of a consumer, and the worker that reads it.
struct Lease {
  ShardId shard;
  std::optional<LeaseOwner> owner{};     ///< nullopt if the lease is free
  std::optional<LeaseOwner> claimant{};  ///< asks the owner for the lease, and gets it once the owner's batch is done
  std::uint64_t epoch = 0;               ///< raised whenever the lease gets an owner: a fencing token
  std::uint64_t counter = 0;             ///< raised by the owner now and then, to show that it is alive
  std::uint64_t generation = 1;          ///< of the consumer, when somebody last set this checkpoint
  Checkpoint checkpoint = TrimHorizon{};

  /// Whether every record of the shard is processed.
  [[nodiscard]] bool done() const { return std::holds_alternative<ShardEnd>(checkpoint); }

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// A consumer has a lease for each shard that it reads or may begin to read, and for each shard that is done while a
/// child waits for its other parent. A shard without a lease is done if a descendant has one; otherwise it waits for
/// its parents.
struct Consumer {
  std::string name;
  std::string uuid;              ///< tells it from a consumer of the same name made later
  std::uint64_t generation = 1;  ///< raised whenever checkpoints are set
  Timestamp created_at{};
  std::vector<Lease> leases{};  ///< in the order of their shards

  friend bool operator==(const Consumer&, const Consumer&) = default;
};

/// A change of one lease, made only if the lease is as expected.
struct LeaseChange {
  std::optional<Lease> expected;  ///< nullopt: there is no lease yet
  std::optional<Lease> desired;   ///< nullopt: it goes away
};

}  // namespace shardlog

#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "shardlog/consuming/assignment.h"
#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

struct KeeperOptions {
  std::string consumer;
  LeaseOwner me;
  bool follow = false;
  std::size_t workers = 1;              ///< as WorkerOptions::workers
  std::optional<ShardId> last_shard{};  ///< leases of later shards are not taken
};

/// A lease that this worker holds: as it was last written, and what happened since.
struct HeldLease {
  Lease lease;
  Checkpoint reached;                         ///< the next checkpoint to write
  std::optional<SequenceNumber> delivered{};  ///< of the last delivered record
  std::optional<SequenceNumber> gap{};        ///< the last number of a gap after it
  bool outstanding = false;                   ///< some delivered records are not processed yet

  /// Whether another worker asks for the lease: then deliver nothing more from the shard.
  [[nodiscard]] bool claimed() const { return lease.claimant.has_value(); }

  /// Where to read on after the last delivered record.
  [[nodiscard]] Checkpoint after_delivered() const;
};

/// The leases of one worker: takes them, renews them, writes checkpoints, hands them to claimants, finishes shards.
/// Every change is a compare and set against what was read; no clock ever counts as proof that a lease is still held.
/// If a change is refused, the leases are read again. If another worker has taken one of them by then, the function
/// throws fenced, with the name of that worker. All functions that write may throw it, and throw as Stream does.
class LeaseKeeper final : public Lifeline {
 public:
  /// All arguments must outlive the keeper. Reads and writes nothing yet.
  LeaseKeeper(Stream& stream, const Clock& clock, KeeperOptions options);

  [[nodiscard]] Duration until_due() const override;
  void tend() override;

  /// Makes the next look come soon, because a commit may have changed the leases.
  void notice() { look_at_ = std::min(look_at_, looked_at_ + shortest_rest()); }
  /// Makes the next look come sooner than for an idle worker.
  void notice_busy() { look_at_ = std::min(look_at_, looked_at_ + std::max(shortest_rest(), busy_interval())); }

  /// Looks now, and takes all free leases, whatever the share. Throws not_found if there is no such consumer.
  void take_the_rest() { look(true); }

  /// In the order of their shards.
  [[nodiscard]] const std::map<ShardId, HeldLease>& held() const { return held_; }
  /// Raised whenever held() gains or loses a lease, or a claim on one begins or ends.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  // What happens to the records of a held shard. Its checkpoint follows the processed records and never moves back.
  void advance(ShardId shard, const Checkpoint& checkpoint);
  void delivering(ShardId shard, const SequenceNumber& last);
  void told(const Gap& gap);
  void processed(const Processed& processed);

  /// Writes the checkpoints.
  void commit();
  /// Ends the lease of a held shard that is closed and whose records are all processed.
  void finish(ShardId shard);
  /// Hands each claimed lease to its claimant once every delivered record is processed.
  void honour_claims();

  /// Stops taking and claiming leases.
  void take_no_more() { taking_ = false; }
  /// Writes the checkpoints, gives all leases back, and withdraws a claim.
  void release();

  /// The leases that other workers hold and that are not done, as they were last seen.
  [[nodiscard]] std::vector<Lease> leases_of_others() const;
  /// When the last lease expires among those whose owners are not known to be alive; nullopt if there are none.
  [[nodiscard]] std::optional<Duration> unknown_until() const;

 private:
  using Changes = std::vector<LeaseChange>;

  void renew();
  void look(bool everything);
  void read_leases();
  void compare(HeldLease& held, const Lease* row);
  void hold(const Lease& lease);
  [[nodiscard]] Error lost(const Lease& lease, const Lease* row) const;
  std::vector<Candidate> candidates();
  Changes plan_look(bool everything);
  void apply_due_changes();
  bool write(const Changes& changes);
  void write_until_done(const std::function<Changes()>& plan);
  [[nodiscard]] Duration renewal_interval() const { return options_.me.lease_duration / renewals_per_duration; }
  [[nodiscard]] Duration busy_interval() const { return options_.me.lease_duration / busy_looks_per_duration; }
  [[nodiscard]] Duration shortest_rest() const { return std::min(cost_of_look_ * rest_per_cost, renewal_interval()); }

  static constexpr int renewals_per_duration = 3;  // as KCL
  static constexpr int busy_looks_per_duration = 30;
  static constexpr int rest_per_cost = 50;  // after a look caused by a commit, rest this many times its cost

  Stream& stream_;
  const Clock& clock_;
  KeeperOptions options_;
  HolderWatch watch_;
  std::optional<Consumer> consumer_;  // as last read, with what was written since
  std::optional<ShardMap> map_;       // at least as new
  std::map<ShardId, HeldLease> held_;
  std::map<ShardId, Duration> unknown_;  // leases whose owner is not known to be alive, and when they expire
  std::uint64_t version_ = 0;
  bool taking_ = true;
  Duration renew_at_ = Duration::max();
  Duration look_at_ = Duration::min();
  Duration looked_at_{0};
  Duration cost_of_look_{0};
};

}  // namespace shardlog::consuming

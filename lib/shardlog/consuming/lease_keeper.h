#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "shardlog/consuming/assignment.h"
#include "shardlog/consuming/delivery.h"
#include "shardlog/consuming/holder_watch.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

struct KeeperOptions {
  std::string consumer;
  LeaseOwner me;
  bool follow = false;
  std::size_t workers = 1;              ///< as WorkerOptions have it
  std::optional<ShardId> last_shard{};  ///< those opened later are not taken
};

/// A lease that this worker holds, as it was written last, and what came of it since.
struct HeldLease {
  Lease lease;
  Checkpoint reached;                         ///< to be written
  std::optional<SequenceNumber> delivered{};  ///< of the last record that was given to the delivery
  std::optional<SequenceNumber> gap{};        ///< the last one of a gap behind it
  bool outstanding = false;                   ///< not all that was delivered is dealt with

  /// Whether somebody asks for it: then nothing more of it is to be delivered.
  [[nodiscard]] bool claimed() const { return lease.claimant.has_value(); }

  /// Where reading goes on behind all that was delivered.
  [[nodiscard]] Checkpoint behind_delivered() const;
};

/// The leases of one worker: takes them, renews them, writes checkpoints, hands them to those who claim them, finishes
/// shards. Every change is a compare and set against what was read, and no clock is ever taken as a proof that a lease
/// is still held: where a change is refused the leases are read again, and if one of them is somebody else's by then,
/// fenced is thrown, which says whose. So are all functions that may write, and as Stream.
class LeaseKeeper final : public Lifeline {
 public:
  /// All must outlive it. Reads and writes nothing yet.
  LeaseKeeper(Stream& stream, const Clock& clock, KeeperOptions options);

  [[nodiscard]] Duration until_due() const override;
  void tend() override;

  /// The leases are to be looked at soon: something was committed, which may be a change of them.
  void notice();
  /// They are to be looked at more often than an idle worker does.
  void notice_busy();

  /// Looks now, and takes all that is free, whoever's share it is. Throws not_found where the consumer is not there.
  void take_the_rest();

  /// In the order of their shards.
  [[nodiscard]] const std::map<ShardId, HeldLease>& held() const { return held_; }
  /// Raised whenever a lease comes, goes, is claimed, or is not any more.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  // What becomes of the records of a shard that is held. A checkpoint follows what is processed, never backwards.
  void advance(ShardId shard, const Checkpoint& checkpoint);
  void delivering(ShardId shard, const SequenceNumber& last);
  void told(const Gap& gap);
  void processed(const Processed& processed);

  /// Whether a checkpoint is to be written.
  [[nodiscard]] bool dirty() const;
  /// Writes the checkpoints.
  void commit();
  /// All of this shard, which is held and closed, is processed.
  void finish(ShardId shard);
  /// Hands the leases that are claimed to who claims them, where all that was delivered is dealt with.
  void honour_claims();

  /// From now on nothing is taken and nothing claimed.
  void take_no_more() { taking_ = false; }
  /// Gives all leases back, their checkpoints written, and takes back a claim.
  void release();

  /// The leases of others that are not done, as they were seen last.
  [[nodiscard]] std::vector<Lease> leases_of_others() const;
  /// Until when it is to be waited for owners of whom nothing is known; nothing where there are none.
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
  [[nodiscard]] Lease renewed(const HeldLease& held) const;
  [[nodiscard]] Duration shortest_rest() const;

  Stream& stream_;
  const Clock& clock_;
  KeeperOptions options_;
  HolderWatch watch_;
  std::optional<Consumer> consumer_;  // as it was read last, with what was written since
  std::optional<ShardMap> map_;       // at least as new
  std::map<ShardId, HeldLease> held_;
  std::map<ShardId, Duration> unknown_;  // leases of which nothing is known of the owner, and when they expire
  std::uint64_t version_ = 0;
  bool taking_ = true;
  Duration renew_at_ = Duration::max();
  Duration look_at_ = Duration::min();
  Duration looked_at_{0};
  Duration cost_of_look_{0};
};

}  // namespace shardlog::consuming

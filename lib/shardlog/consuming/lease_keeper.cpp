#include "shardlog/consuming/lease_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/consuming/frontier.h"

namespace shardlog::consuming {

namespace {

// An attempt fails only if another worker changed the leases first. The limit keeps a defect from looping for ever.
constexpr int attempts_to_write = 1000;
constexpr int attempts_to_take = 4;  // in one look: other workers may take all free leases first

/// Adds a change of a lease. Returns the desired lease, for the caller to change; the reference is valid until the next
/// change is added.
Lease& add_change(std::vector<LeaseChange>& changes, const Lease& lease) {
  changes.push_back({lease, lease});
  return *changes.back().desired;
}

/// Adds a change that renews a lease and writes its checkpoint. Returns as add_change().
Lease& add_renewal(std::vector<LeaseChange>& changes, const HeldLease& held) {
  Lease& lease = add_change(changes, held.lease);
  lease.checkpoint = held.reached;
  ++lease.counter;
  return lease;
}

}  // namespace

Checkpoint HeldLease::after_delivered() const {
  Checkpoint after = reached;
  if (delivered) after = later(after, AfterSequence{*delivered});
  if (gap) after = later(after, AfterSequence{*gap});
  return after;
}

LeaseKeeper::LeaseKeeper(Stream& stream, const Clock& clock, KeeperOptions options)
    : stream_(stream), clock_(clock), options_(std::move(options)), watch_(options_.me, stream.liveness()) {}

Duration LeaseKeeper::until_due() const {
  if (look_at_ == Duration::min()) return Duration(0);
  return std::max(std::min(renew_at_, look_at_) - clock_.elapsed(), Duration(0));
}

void LeaseKeeper::tend() {
  const bool renewing = clock_.elapsed() >= renew_at_;
  if (renewing) renew();  // before anything else
  // After a renewal, look at once if a look is due soon: a worker with nothing to do should wake up once for both.
  const Duration now = clock_.elapsed();
  const bool soon_due = looked_at_ + renewal_interval() / 2 <= now;
  if (now >= look_at_ || (renewing && soon_due)) look(false);
}

void LeaseKeeper::look(bool everything) {
  const Duration begun = clock_.elapsed();
  for (int attempt = 0; attempt < attempts_to_take; ++attempt) {
    read_leases();
    apply_due_changes();
    const Changes changes = plan_look(everything);
    if (changes.empty() || write(changes)) break;
  }
  honour_claims();
  looked_at_ = clock_.elapsed();
  cost_of_look_ = looked_at_ - begun;
  look_at_ = looked_at_ + renewal_interval();
  for (const Lease& lease : consumer_->leases) {
    if (const auto expires = watch_.expires_at(lease.shard)) look_at_ = std::min(look_at_, *expires);
  }
  look_at_ = std::max(look_at_, looked_at_ + busy_interval());
}

/// Reads the leases, and checks that those held are still held.
void LeaseKeeper::read_leases() {
  auto consumer = stream_.leases().find(options_.consumer);
  const bool is_another = consumer && consumer_ && consumer->uuid != consumer_->uuid;
  if (!consumer || is_another) {
    const std::string what = "consumer " + quote(options_.consumer);
    if (consumer_) throw Error(ErrorCode::fenced, what + ": it was removed");
    throw Error(ErrorCode::not_found, what + ": no such consumer");
  }
  consumer_ = std::move(consumer);
  map_ = stream_.describe().map;
  check_leases(*map_, *consumer_);
  for (auto& [shard, held] : held_) compare(held, find_lease(consumer_->leases, shard));
  for (const Lease& lease : consumer_->leases) {
    if (lease.owner == options_.me && !held_.contains(lease.shard)) hold(lease);  // its owner honoured our claim
  }
}

void LeaseKeeper::hold(const Lease& lease) {
  if (held_.empty()) renew_at_ = clock_.elapsed() + renewal_interval();
  held_.emplace(lease.shard, HeldLease{lease, lease.checkpoint});
  watch_.forget(lease.shard);
  ++version_;
}

void LeaseKeeper::compare(HeldLease& held, const Lease* row) {
  if (row == nullptr) throw lost(held.lease, row);
  Lease expected = held.lease;
  expected.claimant = row->claimant;
  if (expected != *row) throw lost(held.lease, row);
  if (held.lease.claimant == row->claimant) return;
  held.lease.claimant = row->claimant;
  ++version_;
}

Error LeaseKeeper::lost(const Lease& lease, const Lease* row) const {
  std::string how;
  if (row == nullptr) {
    how = " is gone: somebody else has finished the shard, or set its checkpoint";
  } else if (row->generation != lease.generation) {
    how = ": the checkpoint was set by somebody else";
  } else if (!row->owner) {
    how = " was taken over by another worker, which has given it back since";
  } else {
    how = " was taken over by worker " + text_of(*row->owner, stream_.liveness());
  }
  return {ErrorCode::fenced, "lease of " + lease.shard.to_string() + how};
}

std::vector<Candidate> LeaseKeeper::candidates() {
  const Duration now = clock_.elapsed();
  const Frontier frontier(*map_, consumer_->leases);
  std::vector<Candidate> result;
  watch_.begin();
  unknown_.clear();
  for (const Lease& lease : consumer_->leases) {
    if (lease.done()) continue;
    const Holder holder = watch_.see(lease, now);
    const bool left = is_free(holder) && watch_.free_for(lease.shard, now) >= renewal_interval();
    const bool not_yet = options_.last_shard && lease.shard > *options_.last_shard;
    if (holder == Holder::unknown) unknown_[lease.shard] = *watch_.expires_at(lease.shard);
    result.push_back({&lease, holder, map_->find(lease.shard)->open(), not_yet || frontier.waits(lease.shard), left});
  }
  return result;
}

LeaseKeeper::Changes LeaseKeeper::plan_look(bool everything) {
  const auto seen = candidates();
  Changes changes;
  if (!taking_) return changes;
  const Assignment assignment = assign(seen, options_.me, {options_.follow, options_.workers, everything});
  for (const ShardId shard : assignment.take) {
    Lease& taken = add_change(changes, *find_lease(consumer_->leases, shard));
    taken.owner = options_.me;
    taken.claimant.reset();
    ++taken.epoch;
    ++taken.counter;
  }
  if (assignment.claim) add_change(changes, *find_lease(consumer_->leases, *assignment.claim)).claimant = options_.me;
  return changes;
}

/// Makes the changes that are due. If two workers finish the parents of one child at the same moment, neither of them
/// sees that both parents are done.
void LeaseKeeper::apply_due_changes() {
  const Changes changes = due_changes(*map_, consumer_->leases, consumer_->generation);
  if (!changes.empty() && !write(changes)) read_leases();  // somebody else did
}

/// Changes nothing and returns false if the leases were not as last read.
bool LeaseKeeper::write(const Changes& changes) {
  if (!stream_.leases().change(consumer_->uuid, changes)) return false;
  for (const LeaseChange& change : changes) {
    const ShardId shard = change.desired ? change.desired->shard : change.expected->shard;
    const auto found = held_.find(shard);
    if (change.desired && change.desired->owner == options_.me) {
      if (found != held_.end()) {
        if (found->second.lease.claimant != change.desired->claimant) ++version_;
        found->second.lease = *change.desired;
      } else {
        hold(*change.desired);
      }
    } else if (found != held_.end()) {
      held_.erase(found);
      ++version_;
    }
  }
  make_changes(consumer_->leases, changes);
  if (held_.empty()) renew_at_ = Duration::max();
  return true;
}

void LeaseKeeper::write_until_done(const std::function<Changes()>& plan) {
  for (int attempt = 0; attempt < attempts_to_write; ++attempt) {
    const Changes changes = plan();
    if (changes.empty() || write(changes)) return;
    read_leases();
  }
  throw Error(ErrorCode::busy, "consumer " + quote(options_.consumer) + ": other workers keep changing its leases");
}

void LeaseKeeper::renew() {
  const Duration begun = clock_.elapsed();
  write_until_done([this] {
    Changes changes;
    for (const auto& [shard, held] : held_) add_renewal(changes, held);
    return changes;
  });
  if (!held_.empty()) renew_at_ = begun + renewal_interval();
}

void LeaseKeeper::commit() {
  if (clock_.elapsed() >= renew_at_) return renew();
  write_until_done([this] {
    Changes changes;
    for (const auto& [shard, held] : held_) {
      if (held.reached != held.lease.checkpoint) add_renewal(changes, held);
    }
    return changes;
  });
}

void LeaseKeeper::advance(ShardId shard, const Checkpoint& checkpoint) {
  const auto held = held_.find(shard);
  if (held != held_.end()) held->second.reached = later(held->second.reached, checkpoint);
}

void LeaseKeeper::delivering(ShardId shard, const SequenceNumber& last) {
  HeldLease& held = held_.at(shard);
  held.delivered = last;
  held.gap.reset();
  held.outstanding = true;
}

void LeaseKeeper::told(const Gap& gap) {
  HeldLease& held = held_.at(gap.shard);
  held.gap = gap.last;
  if (!held.outstanding) advance(gap.shard, AfterSequence{gap.last});
}

void LeaseKeeper::processed(const Processed& processed) {
  const auto found = held_.find(processed.shard);
  if (found == held_.end()) return;
  HeldLease& held = found->second;
  advance(processed.shard, AfterSequence{processed.last});
  if (held.delivered && processed.last < *held.delivered) return;
  held.outstanding = false;
  if (held.gap) advance(processed.shard, AfterSequence{*held.gap});
}

void LeaseKeeper::finish(ShardId shard) {
  read_leases();  // and the map, which must have the children
  write_until_done(
      [this, shard] { return finish_changes(*map_, consumer_->leases, held_.at(shard).lease, consumer_->generation); });
  look_at_ = Duration::min();  // for the children
}

void LeaseKeeper::honour_claims() {
  write_until_done([this] {
    Changes changes;
    for (const auto& [shard, held] : held_) {
      if (!held.claimed()) continue;
      const bool gone = stream_.liveness().state_of(held.lease.claimant->process) == Liveness::State::gone;
      if (!gone && held.outstanding) continue;
      Lease& lease = add_renewal(changes, held);
      lease.claimant.reset();
      if (gone) continue;
      lease.owner = held.lease.claimant;
      ++lease.epoch;
    }
    return changes;
  });
}

void LeaseKeeper::release() {
  taking_ = false;
  if (!consumer_) return;
  write_until_done([this] {
    Changes changes;
    for (const auto& [shard, held] : held_) {
      Lease& lease = add_renewal(changes, held);
      lease.owner.reset();
      lease.claimant.reset();
    }
    for (const Lease& lease : consumer_->leases) {
      if (lease.claimant == options_.me) add_change(changes, lease).claimant.reset();
    }
    return changes;
  });
}

std::vector<Lease> LeaseKeeper::leases_of_others() const {
  std::vector<Lease> others;
  if (!consumer_) return others;
  for (const Lease& lease : consumer_->leases) {
    if (lease.owner && lease.owner != options_.me && !lease.done()) others.push_back(lease);
  }
  return others;
}

std::optional<Duration> LeaseKeeper::unknown_until() const {
  std::optional<Duration> until;
  for (const auto& [shard, expires] : unknown_) until = std::max(until.value_or(expires), expires);
  return until;
}

}  // namespace shardlog::consuming

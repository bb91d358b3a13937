#include "shardlog/consuming/assignment.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "shardlog/core/printable.h"

namespace shardlog::consuming {

std::string text_of(const LeaseOwner& owner, Liveness& liveness) {
  const std::string process = liveness.describe(owner.process);
  return quote(owner.worker) + (process.empty() ? "" : " (" + process + ")");
}

namespace {

/// How much of the time between two looks counts at most. Looks are a third of a lease duration apart, or a bit more.
Duration most_between_looks(const std::optional<LeaseOwner>& owner) {
  return owner ? owner->lease_duration * 2 / 5 : Duration(0);
}

}  // namespace

Holder HolderWatch::see(const Lease& lease, Duration now) {
  if (lease.owner == me_) {
    forget(lease.shard);
    return Holder::me;
  }
  const auto [found, is_new] = seen_.try_emplace(lease.shard);
  Seen& seen = found->second;
  const bool same = !is_new && seen.owner == lease.owner && seen.epoch == lease.epoch;
  if (!same || seen.counter != lease.counter) {
    seen = {lease.owner, lease.epoch, lease.counter, now, Duration(0), same, seen.free_since};
  } else {
    seen.watched += std::min(now - std::exchange(seen.last, now), most_between_looks(seen.owner));
  }
  const Holder holder = judge(seen);
  if (!is_free(holder)) {
    seen.free_since.reset();
  } else if (!seen.free_since) {
    seen.free_since = now;
  }
  return holder;
}

Holder HolderWatch::judge(const Seen& seen) {
  if (!seen.owner) return Holder::nobody;
  const Liveness::State state = state_of(*seen.owner);
  if (state == Liveness::State::gone) return Holder::gone;
  if (seen.watched >= seen.owner->lease_duration) return Holder::expired;
  return state == Liveness::State::alive || seen.moved ? Holder::there : Holder::unknown;
}

Liveness::State HolderWatch::state_of(const LeaseOwner& owner) {
  const auto [found, is_new] = processes_.try_emplace(owner.process, Liveness::State::unknown);
  if (is_new) found->second = liveness_.state_of(owner.process);
  return found->second;
}

Duration HolderWatch::free_for(ShardId shard, Duration now) const {
  const auto found = seen_.find(shard);
  if (found == seen_.end() || !found->second.free_since) return Duration(0);
  return now - *found->second.free_since;
}

std::optional<Duration> HolderWatch::expires_at(ShardId shard) const {
  const auto found = seen_.find(shard);
  if (found == seen_.end() || !found->second.owner || found->second.free_since) return std::nullopt;
  return found->second.last + found->second.owner->lease_duration - found->second.watched;
}

namespace {

using Loads = std::map<LeaseOwner, std::size_t>;

/// The owner once claims are honoured; nullptr if the lease is free.
const LeaseOwner* next_owner(const Candidate& candidate) {
  if (is_free(candidate.holder)) return nullptr;
  return candidate.lease->claimant ? &*candidate.lease->claimant : &*candidate.lease->owner;
}

/// Orders the shards differently for each worker, so that workers get in each other's way less.
class Preference {
 public:
  explicit Preference(const LeaseOwner& me) : seed_(std::hash<std::string>()(me.worker + '/' + me.process)) {}

  [[nodiscard]] bool operator()(ShardId a, ShardId b) const { return std::pair(mixed(a), a) < std::pair(mixed(b), b); }

 private:
  [[nodiscard]] std::uint64_t mixed(ShardId shard) const {
    std::uint64_t bits = seed_ + 0x9e3779b97f4a7c15 * (shard.number() + 1ULL);  // SplitMix64 (Steele et al., 2014)
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }

  std::uint64_t seed_;
};

/// How many leases there are of open shards, or of closed ones.
struct Kind {
  std::size_t total = 0;
  std::size_t mine = 0;

  [[nodiscard]] std::size_t share(std::size_t workers) const { return (total + workers - 1) / workers; }
};

std::optional<ShardId> choose_claim(std::span<const Candidate> candidates, const LeaseOwner& me, const Loads& loads,
                                    const Preference& preference) {
  const auto load_of = [&loads](const LeaseOwner& owner) {
    const auto found = loads.find(owner);
    return found == loads.end() ? 0 : found->second;
  };
  std::size_t most = 0;
  for (const auto& [owner, load] : loads) most = std::max(most, load);
  if (most < load_of(me) + 2) return std::nullopt;
  std::optional<ShardId> chosen;
  for (const Candidate& candidate : candidates) {
    const Lease& lease = *candidate.lease;
    const bool can_be_claimed = candidate.open && !candidate.waits && candidate.holder != Holder::me && !lease.claimant;
    if (!can_be_claimed || load_of(*lease.owner) != most) continue;
    if (!chosen || preference(lease.shard, *chosen)) chosen = lease.shard;
  }
  return chosen;
}

}  // namespace

Assignment assign(std::span<const Candidate> candidates, const LeaseOwner& me, const AssignmentRules& rules) {
  Loads loads{{me, 0}};
  Kind open;
  Kind closed;
  std::vector<const Candidate*> free;
  bool claim_pending = false;
  for (const Candidate& candidate : candidates) {
    if (candidate.waits && is_free(candidate.holder)) continue;
    Kind& kind = candidate.open ? open : closed;
    ++kind.total;
    if (const LeaseOwner* const owner = next_owner(candidate)) {
      loads[*owner] += candidate.open ? 1 : 0;
      if (*owner == me) ++kind.mine;
      if (candidate.holder != Holder::me && *owner == me) claim_pending = true;
    } else {
      free.push_back(&candidate);
    }
  }

  const Preference preference(me);
  std::sort(free.begin(), free.end(),
            [&](const Candidate* a, const Candidate* b) { return preference(a->lease->shard, b->lease->shard); });
  // Without follow a worker leaves a share only to those that began with it.
  const std::size_t workers = std::max({rules.follow ? loads.size() : 1, rules.workers, std::size_t{1}});
  Assignment assignment;
  for (const Candidate* const candidate : free) {
    Kind& kind = candidate->open ? open : closed;
    if (!rules.everything && !candidate->left && kind.mine >= kind.share(workers)) continue;
    ++kind.mine;
    assignment.take.push_back(candidate->lease->shard);
  }
  if (rules.follow && !rules.everything && free.empty() && !claim_pending) {
    assignment.claim = choose_claim(candidates, me, loads, preference);
  }
  return assignment;
}

}  // namespace shardlog::consuming

#include "shardlog/consuming/holder_watch.h"

#include "shardlog/core/printable.h"

namespace shardlog::consuming {

std::string text_of(const LeaseOwner& owner, Liveness& liveness) {
  const std::string process = liveness.describe(owner.process);
  return quote(owner.worker) + (process.empty() ? "" : " (" + process + ")");
}

Holder HolderWatch::see(const Lease& lease, Duration now) {
  if (lease.owner == me_) {
    forget(lease.shard);
    return Holder::me;
  }
  const auto [found, is_new] = seen_.try_emplace(lease.shard);
  Seen& seen = found->second;
  const bool same = !is_new && seen.owner == lease.owner && seen.epoch == lease.epoch;
  if (!same || seen.counter != lease.counter) {
    seen = {lease.owner, lease.epoch, lease.counter, now, same, seen.free_since};
  }
  const Holder holder = judge(seen, now);
  if (!is_free(holder)) {
    seen.free_since.reset();
  } else if (!seen.free_since) {
    seen.free_since = now;
  }
  return holder;
}

Holder HolderWatch::judge(const Seen& seen, Duration now) {
  if (!seen.owner) return Holder::nobody;
  const Liveness::State state = state_of(*seen.owner);
  if (state == Liveness::State::gone) return Holder::gone;
  if (now - seen.since >= seen.owner->lease_duration) return Holder::expired;
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
  return found->second.since + found->second.owner->lease_duration;
}

}  // namespace shardlog::consuming

#include "shardlog/consumer/frontier.h"

#include <algorithm>
#include <utility>

namespace shardlog::consumer {

namespace {

bool is_done(const Lease& lease) {
  return std::holds_alternative<ShardEnd>(lease.checkpoint);
}

Checkpoint very_beginning() {
  return AtSequence{SequenceNumber(0)};
}

std::vector<Lease>::iterator find_place(std::vector<Lease>& leases, ShardId shard) {
  return std::lower_bound(leases.begin(), leases.end(), shard,
                          [](const Lease& lease, ShardId id) { return lease.shard < id; });
}

}  // namespace

std::vector<ShardId> parents_of(const Shard& shard) {
  std::vector<ShardId> parents;
  if (shard.parent) parents.push_back(*shard.parent);
  if (shard.adjacent_parent) parents.push_back(*shard.adjacent_parent);
  return parents;
}

Frontier::Frontier(const ShardMap& map, const std::vector<Lease>& leases)
    : map_(map),
      leases_(map.shards().size(), nullptr),
      started_(map.shards().size(), false),
      waits_(map.shards().size(), false) {
  for (const Lease& lease : leases) {
    const std::size_t place = place_of(lease.shard);
    leases_[place] = &lease;
    started_[place] = true;
  }
  // Children have higher ids than their parents, so one pass each way reaches all.
  const auto& shards = map.shards();
  for (std::size_t place = 0; place < shards.size(); ++place) {
    for (const ShardId parent : parents_of(shards[place])) {
      const std::size_t above = place_of(parent);
      if (waits_[above] || (leases_[above] != nullptr && !is_done(*leases_[above]))) waits_[place] = true;
    }
  }
  for (std::size_t place = shards.size(); place-- > 0;) {
    if (!started_[place]) continue;
    for (const ShardId parent : parents_of(shards[place])) started_[place_of(parent)] = true;
  }
}

std::size_t Frontier::place_of(ShardId shard) const {
  const Shard* const found = map_.find(shard);
  if (found == nullptr) throw Error(ErrorCode::corrupt, "consumer: the stream has no " + shard.to_string());
  return static_cast<std::size_t>(found - map_.shards().data());
}

const Lease* Frontier::lease(ShardId shard) const {
  return leases_[place_of(shard)];
}

bool Frontier::done(ShardId shard) const {
  const Lease* const found = lease(shard);
  return found != nullptr && is_done(*found);
}

std::vector<LeaseChange> Frontier::finish(const Lease& lease, std::uint64_t generation) const {
  std::vector<LeaseChange> changes;
  std::vector<ShardId> made;
  std::vector<ShardId> other_parents;
  bool one_waits = false;
  for (const Shard& child : map_.children_of(lease.shard)) {
    std::uint64_t epoch = lease.epoch;
    bool all_done = true;
    for (const ShardId parent : parents_of(child)) {
      if (parent == lease.shard) continue;
      const Lease* const other = this->lease(parent);
      all_done = all_done && done(parent);
      if (other == nullptr) continue;
      epoch = std::max(epoch, other->epoch);
      if (std::find(other_parents.begin(), other_parents.end(), parent) == other_parents.end()) {
        other_parents.push_back(parent);
      }
    }
    if (started(child.id)) continue;
    if (all_done) {
      made.push_back(child.id);
      changes.push_back({std::nullopt, Lease{child.id, {}, {}, epoch, 0, generation, very_beginning()}});
    } else {
      one_waits = true;
    }
  }
  std::optional<Lease> rest;
  if (one_waits) rest = Lease{lease.shard, {}, {}, lease.epoch, lease.counter, lease.generation, ShardEnd{}};
  changes.push_back({lease, rest});
  for (const ShardId parent : other_parents) {
    const auto children = map_.children_of(parent);
    const bool all_started = std::all_of(children.begin(), children.end(), [&](const Shard& child) {
      return started(child.id) || std::find(made.begin(), made.end(), child.id) != made.end();
    });
    const Lease& other = *this->lease(parent);
    changes.push_back({other, is_done(other) && all_started ? std::nullopt : std::optional(other)});
  }
  return changes;
}

Checkpoint checkpoint_at(const Position& position, const ShardPlace& place) {
  if (place.at_end) return ShardEnd{};
  if (std::holds_alternative<TrimHorizon>(position)) return TrimHorizon{};
  return AtSequence{place.next};
}

std::optional<ShardStart> start_at(ShardId shard, const Checkpoint& checkpoint) {
  if (const auto* at = std::get_if<AtSequence>(&checkpoint)) return ShardStart{shard, *at};
  if (const auto* after = std::get_if<AfterSequence>(&checkpoint)) return ShardStart{shard, *after};
  if (std::holds_alternative<TrimHorizon>(checkpoint)) return ShardStart{shard, TrimHorizon{}};
  return std::nullopt;
}

std::vector<Lease> first_leases(const ShardMap& map, const Position& position, const std::vector<ShardPlace>& places,
                                std::uint64_t epoch, std::uint64_t generation) {
  const auto& shards = map.shards();
  const auto place_in_map = [&shards](const Shard* shard) { return static_cast<std::size_t>(shard - shards.data()); };
  std::vector<const ShardPlace*> place_of(shards.size(), nullptr);
  for (const ShardPlace& place : places) {
    if (const Shard* const shard = map.find(place.shard)) place_of[place_in_map(shard)] = &place;
  }
  std::vector<bool> finished(shards.size(), false);
  const auto parents_finished = [&](const Shard& shard) {
    const auto parents = parents_of(shard);
    return std::all_of(parents.begin(), parents.end(),
                       [&](ShardId parent) { return finished[place_in_map(map.find(parent))]; });
  };
  std::vector<Lease> leases;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!parents_finished(shards[i]) || place_of[i] == nullptr) continue;
    finished[i] = place_of[i]->at_end;
    if (!finished[i]) {
      leases.push_back({shards[i].id, {}, {}, epoch, 0, generation, checkpoint_at(position, *place_of[i])});
    }
  }
  std::vector<Lease> done;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!finished[i]) continue;
    const auto children = map.children_of(shards[i].id);
    if (!std::all_of(children.begin(), children.end(), parents_finished)) {
      done.push_back({shards[i].id, {}, {}, epoch, 0, generation, ShardEnd{}});
    }
  }
  leases.insert(leases.end(), done.begin(), done.end());
  std::sort(leases.begin(), leases.end(), [](const Lease& a, const Lease& b) { return a.shard < b.shard; });
  return leases;
}

std::vector<Lease> with_shard_at(const ShardMap& map, std::vector<Lease> leases, const Position& position,
                                 const ShardPlace& place, std::uint64_t epoch, std::uint64_t generation) {
  std::vector<Lease> added;
  {
    // Ancestors that wait for theirs would count as done once a descendant has a lease.
    const Frontier before(map, leases);
    std::vector<ShardId> above{place.shard};
    while (!above.empty()) {
      const ShardId shard = above.back();
      above.pop_back();
      for (const ShardId parent : parents_of(*map.find(shard))) {
        if (before.started(parent)) continue;
        above.push_back(parent);
        added.push_back({parent, {}, {}, epoch, 0, generation, very_beginning()});
      }
    }
    if (place.at_end && before.started(place.shard) && before.lease(place.shard) == nullptr) return leases;
  }
  added.push_back({place.shard, {}, {}, epoch, 0, generation, checkpoint_at(position, place)});
  for (Lease& lease : added) {
    const auto found = find_place(leases, lease.shard);
    if (found != leases.end() && found->shard == lease.shard) {
      *found = std::move(lease);
    } else {
      leases.insert(found, std::move(lease));
    }
  }
  if (!place.at_end) return leases;
  const std::vector<LeaseChange> changes = [&] {
    const Frontier after(map, leases);
    return after.finish(*after.lease(place.shard), generation);
  }();
  apply(leases, changes);
  return leases;
}

void apply(std::vector<Lease>& leases, const std::vector<LeaseChange>& changes) {
  for (const LeaseChange& change : changes) {
    const ShardId shard = change.desired ? change.desired->shard : change.expected->shard;
    const auto found = find_place(leases, shard);
    const bool is_there = found != leases.end() && found->shard == shard;
    if (!change.desired) {
      if (is_there) leases.erase(found);
    } else if (is_there) {
      *found = *change.desired;
    } else {
      leases.insert(found, *change.desired);
    }
  }
}

}  // namespace shardlog::consumer

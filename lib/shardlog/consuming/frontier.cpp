#include "shardlog/consuming/frontier.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace shardlog::consuming {

namespace {

bool is_done(const Lease& lease) {
  return std::holds_alternative<ShardEnd>(lease.checkpoint);
}

Checkpoint checkpoint_at(const Position& position, const ShardPlace& place) {
  if (place.at_end) return ShardEnd{place.not_before};
  if (std::holds_alternative<TrimHorizon>(position)) return TrimHorizon{};
  if (place.next) return AtSequence{*place.next, place.not_before};
  if (place.not_before) return AtTime{*place.not_before};
  return Latest{};
}

/// Where a child of these begins: at its very beginning, but at the time that all its parents still waited for.
Checkpoint beginning_behind(const Frontier& frontier, const std::vector<ShardId>& parents) {
  std::optional<Timestamp> not_before = Timestamp::max();
  for (const ShardId parent : parents) {
    not_before = std::min(not_before, std::get<ShardEnd>(frontier.lease(parent)->checkpoint).not_before);
  }
  return Beginning{not_before};
}

/// The time that a consumer of the shard still waits for.
std::optional<Timestamp> not_before_of(const Checkpoint& checkpoint) {
  if (const auto* const at = std::get_if<AtSequence>(&checkpoint)) return at->not_before;
  if (const auto* const from = std::get_if<Beginning>(&checkpoint)) return from->not_before;
  if (const auto* const at = std::get_if<AtTime>(&checkpoint)) return at->time;
  return std::nullopt;
}

[[noreturn]] void refuse(ShardId shard, const char* reason) {
  throw Error(ErrorCode::corrupt, "lease of " + shard.to_string() + ": " + reason);
}

Lease free_lease(ShardId shard, std::uint64_t epoch, std::uint64_t generation, Checkpoint checkpoint) {
  return {shard, {}, {}, epoch, 0, generation, std::move(checkpoint)};
}

bool is_before(const Lease& lease, ShardId shard) {
  return lease.shard < shard;
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
    if (is_done(lease) && map.shards()[place].open()) refuse(lease.shard, "the shard is open, and so cannot be done");
    leases_[place] = &lease;
    started_[place] = true;
  }
  // Children have higher ids than their parents, so one pass each way reaches all.
  const auto& shards = map.shards();
  std::vector<bool> reached(started_);
  for (std::size_t place = 0; place < shards.size(); ++place) {
    for (const ShardId parent : parents_of(shards[place])) {
      const std::size_t above = place_of(parent);
      if (waits_[above] || (leases_[above] != nullptr && !is_done(*leases_[above]))) waits_[place] = true;
      if (reached[above]) reached[place] = true;
    }
    if (shards[place].open() && !reached[place])
      refuse(shards[place].id, "no lease of the consumer leads to the shard");
  }
  for (std::size_t place = shards.size(); place-- > 0;) {
    if (!started_[place]) continue;
    for (const ShardId parent : parents_of(shards[place])) started_[place_of(parent)] = true;
  }
}

void check_leases(const ShardMap& map, const Consumer& consumer) {
  try {
    const Frontier frontier(map, consumer.leases);
  } catch (const Error& error) {
    throw Error(error.code(), "consumer " + quote(consumer.name) + ": " + error.what());
  }
}

std::size_t Frontier::place_of(ShardId shard) const {
  const Shard* const found = map_.find(shard);
  if (found == nullptr) refuse(shard, "there is no such shard");
  return static_cast<std::size_t>(found - map_.shards().data());
}

bool Frontier::done(ShardId shard) const {
  const Lease* const found = lease(shard);
  return found != nullptr && is_done(*found);
}

std::vector<LeaseChange> due_changes(const ShardMap& map, const std::vector<Lease>& leases, std::uint64_t generation) {
  std::vector<LeaseChange> changes;
  if (std::none_of(leases.begin(), leases.end(), is_done)) return changes;
  const Frontier frontier(map, leases);
  for (const Lease& lease : leases) {
    if (!is_done(lease)) continue;
    bool one_waits = false;
    for (const Shard& child : map.children_of(lease.shard)) {
      if (frontier.started(child.id)) continue;
      const auto parents = parents_of(child);
      if (!std::all_of(parents.begin(), parents.end(), [&](ShardId id) { return frontier.done(id); })) {
        one_waits = true;
        continue;
      }
      if (lease.shard != parents.front()) continue;  // once is enough
      std::uint64_t epoch = 0;
      for (const ShardId parent : parents) epoch = std::max(epoch, frontier.lease(parent)->epoch);
      changes.push_back({std::nullopt, free_lease(child.id, epoch, generation, beginning_behind(frontier, parents))});
    }
    if (!one_waits) changes.push_back({lease, std::nullopt});
  }
  return changes;
}

std::vector<LeaseChange> finish_changes(const ShardMap& map, std::vector<Lease> leases, const Lease& lease,
                                        std::uint64_t generation) {
  Lease done = free_lease(lease.shard, lease.epoch, lease.generation, ShardEnd{not_before_of(lease.checkpoint)});
  done.counter = lease.counter;
  make_changes(leases, {{lease, done}});
  auto changes = due_changes(map, leases, generation);
  const auto own = std::find_if(changes.begin(), changes.end(), [&](const LeaseChange& change) {
    return change.expected && change.expected->shard == lease.shard;
  });
  if (own == changes.end()) {
    changes.push_back({lease, done});
  } else {
    own->expected = lease;
  }
  return changes;
}

std::optional<ShardStart> start_at(ShardId shard, const Checkpoint& checkpoint) {
  std::optional<ShardStart> start;
  std::visit(
      [&](const auto& from) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(from)>, ShardEnd>) {
          start = ShardStart{shard, TrimHorizon{}};
          start->from = from;  // in two steps: with sanitizers g++ 12 warns of the move of a whole one
        }
      },
      checkpoint);
  return start;
}

std::vector<Lease> first_leases(const ShardMap& map, const Position& position, const std::vector<ShardPlace>& places,
                                std::uint64_t epoch, std::uint64_t generation) {
  const auto& shards = map.shards();
  const auto index_of = [&map](ShardId id) { return static_cast<std::size_t>(map.find(id) - map.shards().data()); };
  std::vector<const ShardPlace*> place_of(shards.size(), nullptr);
  for (const ShardPlace& place : places) {
    if (map.find(place.shard) != nullptr) place_of[index_of(place.shard)] = &place;
  }
  std::vector<bool> finished(shards.size(), false);
  std::vector<Lease> leases;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const auto parents = parents_of(shards[i]);
    const bool waits =
        !std::all_of(parents.begin(), parents.end(), [&](ShardId parent) { return finished[index_of(parent)]; });
    if (waits || place_of[i] == nullptr) continue;
    finished[i] = place_of[i]->at_end;
    leases.push_back(free_lease(shards[i].id, epoch, generation, checkpoint_at(position, *place_of[i])));
  }
  // What is finished stays only where a child waits for it: the others of the leases are all there.
  make_changes(leases, due_changes(map, leases, generation));
  return leases;
}

std::vector<Lease> with_shard_at(const ShardMap& map, std::vector<Lease> leases, const Position& position,
                                 const ShardPlace& place, std::uint64_t epoch, std::uint64_t generation) {
  std::vector<LeaseChange> changes;
  {
    const Frontier frontier(map, leases);
    const bool is_done_already = frontier.started(place.shard) && frontier.lease(place.shard) == nullptr;
    if (place.at_end && is_done_already) return leases;
    // Ancestors that wait for theirs would count as done once a descendant has a lease.
    std::vector<ShardId> to_check{place.shard};
    while (!to_check.empty()) {
      const ShardId shard = to_check.back();
      to_check.pop_back();
      for (const ShardId parent : parents_of(*map.find(shard))) {
        if (frontier.started(parent)) continue;
        to_check.push_back(parent);
        changes.push_back({std::nullopt, free_lease(parent, epoch, generation, Beginning{})});
      }
    }
  }
  changes.push_back({std::nullopt, free_lease(place.shard, epoch, generation, checkpoint_at(position, place))});
  make_changes(leases, changes);
  make_changes(leases, due_changes(map, leases, generation));
  return leases;
}

void make_changes(std::vector<Lease>& leases, const std::vector<LeaseChange>& changes) {
  for (const LeaseChange& change : changes) {
    const ShardId shard = change.desired ? change.desired->shard : change.expected->shard;
    const auto found = std::lower_bound(leases.begin(), leases.end(), shard, is_before);
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

const Lease* find_lease(const std::vector<Lease>& leases, ShardId shard) {
  const auto found = std::lower_bound(leases.begin(), leases.end(), shard, is_before);
  return found != leases.end() && found->shard == shard ? &*found : nullptr;
}

}  // namespace shardlog::consuming

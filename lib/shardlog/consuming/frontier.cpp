#include "shardlog/consuming/frontier.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

namespace shardlog::consuming {

namespace {

Checkpoint checkpoint_at(const Position& position, const LocatedStart& start) {
  if (start.at_end) return ShardEnd{start.not_before};
  if (std::holds_alternative<TrimHorizon>(position)) return TrimHorizon{};
  if (start.next) return AtSequence{*start.next, start.not_before};
  if (start.not_before) return AtTime{*start.not_before};
  return Latest{};
}

/// Where a child of `parents` begins: at its first record. If the consumer still waited for a time in every parent, the
/// child begins at the earliest of these times.
Checkpoint beginning_after(const Frontier& frontier, const std::vector<ShardId>& parents) {
  std::optional<Timestamp> not_before = Timestamp::max();
  for (const ShardId parent : parents) {
    not_before = std::min(not_before, std::get<ShardEnd>(frontier.lease(parent)->checkpoint).not_before);
  }
  return Beginning{not_before};
}

/// The time that the consumer still waits for.
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

Frontier::Frontier(const ShardMap& map, const std::vector<Lease>& leases)
    : map_(map),
      leases_(map.shards().size(), nullptr),
      started_(map.shards().size(), false),
      waits_(map.shards().size(), false) {
  const auto& shards = map.shards();
  for (const Lease& lease : leases) {
    const std::size_t index = index_of(lease.shard);
    if (lease.done() && shards[index].open()) refuse(lease.shard, "the shard is open, and so cannot be done");
    leases_[index] = &lease;
    started_[index] = true;
  }
  // Children have higher ids than their parents, so one pass in each direction reaches all.
  std::vector<bool> reached(started_);
  for (std::size_t child = 0; child < shards.size(); ++child) {
    for (const ShardId id : shards[child].parents()) {
      const std::size_t parent = index_of(id);
      if (waits_[parent] || (leases_[parent] != nullptr && !leases_[parent]->done())) waits_[child] = true;
      if (reached[parent]) reached[child] = true;
    }
    if (shards[child].open() && !reached[child])
      refuse(shards[child].id, "no lease of the consumer leads to the shard");
  }
  for (std::size_t child = shards.size(); child-- > 0;) {
    if (!started_[child]) continue;
    for (const ShardId parent : shards[child].parents()) started_[index_of(parent)] = true;
  }
}

void check_leases(const ShardMap& map, const Consumer& consumer) {
  try {
    const Frontier frontier(map, consumer.leases);
  } catch (const Error& error) {
    throw Error(error.code(), "consumer " + quote(consumer.name) + ": " + error.what());
  }
}

std::size_t Frontier::index_of(ShardId shard) const {
  const Shard* const found = map_.find(shard);
  if (found == nullptr) refuse(shard, "no such shard");
  return static_cast<std::size_t>(found - map_.shards().data());
}

std::vector<LeaseChange> due_changes(const ShardMap& map, const std::vector<Lease>& leases, std::uint64_t generation) {
  std::vector<LeaseChange> changes;
  if (std::none_of(leases.begin(), leases.end(), std::mem_fn(&Lease::done))) return changes;
  const Frontier frontier(map, leases);
  for (const Lease& lease : leases) {
    if (!lease.done()) continue;
    bool child_waits = false;
    for (const Shard& child : map.children_of(lease.shard)) {
      if (frontier.started(child.id)) continue;
      const auto parents = child.parents();
      if (!std::all_of(parents.begin(), parents.end(), [&](ShardId id) { return frontier.done(id); })) {
        child_waits = true;
        continue;
      }
      if (lease.shard != parents.front()) continue;  // once is enough
      std::uint64_t epoch = 0;
      for (const ShardId parent : parents) epoch = std::max(epoch, frontier.lease(parent)->epoch);
      changes.push_back({std::nullopt, free_lease(child.id, epoch, generation, beginning_after(frontier, parents))});
    }
    if (!child_waits) changes.push_back({lease, std::nullopt});
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
          start->from = from;  // in two steps: with sanitizers g++ 12 warns about moving a whole ShardStart
        }
      },
      checkpoint);
  return start;
}

std::vector<Lease> first_leases(const ShardMap& map, const Position& position, const std::vector<LocatedStart>& starts,
                                std::uint64_t epoch, std::uint64_t generation) {
  std::map<ShardId, const LocatedStart*> start_of;
  for (const LocatedStart& start : starts) start_of.emplace(start.shard, &start);
  std::set<ShardId> finished;
  std::vector<Lease> leases;
  for (const Shard& shard : map.shards()) {
    const auto parents = shard.parents();
    const bool waits = !std::all_of(parents.begin(), parents.end(), [&](ShardId id) { return finished.contains(id); });
    const auto found = start_of.find(shard.id);
    if (waits || found == start_of.end()) continue;
    if (found->second->at_end) finished.insert(shard.id);
    leases.push_back(free_lease(shard.id, epoch, generation, checkpoint_at(position, *found->second)));
  }
  // The leases of finished shards go away, unless a child waits for them.
  make_changes(leases, due_changes(map, leases, generation));
  return leases;
}

std::vector<Lease> with_shard_at(const ShardMap& map, std::vector<Lease> leases, const Position& position,
                                 const LocatedStart& start, std::uint64_t epoch, std::uint64_t generation) {
  std::vector<LeaseChange> changes;
  {
    const Frontier frontier(map, leases);
    const bool is_done_already = frontier.started(start.shard) && frontier.lease(start.shard) == nullptr;
    if (start.at_end && is_done_already) return leases;
    // Ancestors without a lease would count as done once a descendant has one.
    std::vector<ShardId> to_check{start.shard};
    while (!to_check.empty()) {
      const ShardId shard = to_check.back();
      to_check.pop_back();
      for (const ShardId parent : map.find(shard)->parents()) {
        if (frontier.started(parent)) continue;
        to_check.push_back(parent);
        changes.push_back({std::nullopt, free_lease(parent, epoch, generation, Beginning{})});
      }
    }
  }
  changes.push_back({std::nullopt, free_lease(start.shard, epoch, generation, checkpoint_at(position, start))});
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

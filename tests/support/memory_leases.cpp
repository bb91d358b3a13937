#include <algorithm>
#include <set>

#include "shardlog/core/uuid.h"
#include "support/memory_engine.h"
#include "support/memory_parts.h"

namespace shardlog::test {

namespace {

[[noreturn]] void contradict(const std::string& what) {
  throw Error(ErrorCode::internal, what);
}

void check_replacement(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  if (!desired) return;
  check_consumer_name(desired->name);
  if (!is_uuid(desired->uuid)) contradict("a consumer without a UUID");
  if (expected && expected->name != desired->name) contradict("a consumer keeps its name");
  const auto out_of_order = [](const Lease& a, const Lease& b) { return a.shard >= b.shard; };
  if (std::adjacent_find(desired->leases.begin(), desired->leases.end(), out_of_order) != desired->leases.end()) {
    contradict("leases are not in the order of their shards");
  }
}

ShardId shard_of(const LeaseChange& change) {
  return change.expected ? change.expected->shard : change.desired->shard;
}

void check_changes(std::span<const LeaseChange> changes) {
  std::set<ShardId> shards;
  for (const LeaseChange& change : changes) {
    if (!change.expected && !change.desired) contradict("a change of a lease from nothing to nothing");
    if (change.desired && change.desired->shard != shard_of(change)) contradict("a lease keeps its shard");
    if (!shards.insert(shard_of(change)).second) contradict("a lease is changed twice");
  }
}

bool is_progress(const LeaseChange& change) {
  return change.expected && change.desired && change.expected->owner == change.desired->owner &&
         change.expected->claimant == change.desired->claimant;
}

}  // namespace

std::optional<Consumer> MemoryLeases::find(const std::string& name) {
  return store_.locked([&](MemoryLog& log) {
    const auto found = log.consumers.find(name);
    return found == log.consumers.end() ? std::nullopt : std::optional(found->second);
  });
}

std::vector<Consumer> MemoryLeases::all() {
  return store_.locked([](MemoryLog& log) {
    std::vector<Consumer> result;
    for (const auto& [name, consumer] : log.consumers) result.push_back(consumer);
    return result;
  });
}

bool MemoryLeases::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  check_writes(access_);
  check_replacement(expected, desired);
  if (before_change) before_change();
  return store_.locked([&](MemoryLog& log) {
    if (!expected && !desired) return true;
    const std::string& name = expected ? expected->name : desired->name;
    const auto found = log.consumers.find(name);
    const auto there = found == log.consumers.end() ? std::nullopt : std::optional(found->second);
    if (there != expected) return false;
    log.consumers.erase(name);
    if (desired) log.consumers.emplace(name, *desired);
    store_.announce();
    return true;
  });
}

bool MemoryLeases::change(const std::string& uuid, std::span<const LeaseChange> changes) {
  check_writes(access_);
  check_changes(changes);
  if (before_change) before_change();
  return store_.locked([&](MemoryLog& log) {
    for (auto& [name, consumer] : log.consumers) {
      if (consumer.uuid == uuid) return make(consumer, changes);
    }
    return false;
  });
}

bool MemoryLeases::make(Consumer& consumer, std::span<const LeaseChange> changes) {
  std::map<ShardId, Lease> leases;
  for (const Lease& lease : consumer.leases) leases.emplace(lease.shard, lease);
  for (const LeaseChange& change : changes) {
    const auto found = leases.find(shard_of(change));
    const auto there = found == leases.end() ? std::nullopt : std::optional(found->second);
    if (there != change.expected) return false;
    leases.erase(shard_of(change));
    if (change.desired) leases.emplace(change.desired->shard, *change.desired);
  }
  const Consumer before = consumer;
  consumer.leases.clear();
  for (const auto& [shard, lease] : leases) consumer.leases.push_back(lease);
  if (!std::all_of(changes.begin(), changes.end(), is_progress)) store_.announce();
  if (store_.on_leases) store_.on_leases(before, consumer);
  return true;
}

}  // namespace shardlog::test

#include "shardlog/core/passed.h"

#include <algorithm>
#include <variant>

namespace shardlog {

Passed::Passed(const ShardMap& map, const std::vector<Consumer>& consumers) : map_(map), limits_(map.shards().size()) {
  if (consumers.empty()) std::fill(limits_.begin(), limits_.end(), Limit{SequenceNumber(before_all)});
  for (const Consumer& consumer : consumers) add(consumer);
}

bool Passed::up_to(ShardId shard, const SequenceNumber& last) const {
  const Shard* const found = map_.find(shard);
  if (found == nullptr) return false;
  const auto& limit = limits_[static_cast<std::size_t>(found - map_.shards().data())];
  return !limit || Limit{last, true} <= *limit;
}

/// A shard without a lease is done if a descendant has one; otherwise it waits for its parents (Consumer).
void Passed::add(const Consumer& consumer) {
  const auto& shards = map_.shards();
  const auto index_of = [&](const Shard* shard) { return static_cast<std::size_t>(shard - shards.data()); };
  std::vector<std::optional<Limit>> own(shards.size(), Limit{SequenceNumber(before_all)});
  std::vector<bool> has_lease(shards.size());
  std::vector<bool> started(shards.size());
  for (const Lease& lease : consumer.leases) {
    const Shard* const shard = map_.find(lease.shard);
    if (shard == nullptr) continue;
    own[index_of(shard)] = limit_of(lease.checkpoint);
    has_lease[index_of(shard)] = started[index_of(shard)] = true;
  }
  for (std::size_t child = shards.size(); child-- > 0;) {  // children have higher ids than their parents
    if (!started[child]) continue;
    if (!has_lease[child]) own[child] = std::nullopt;
    for (const ShardId parent : shards[child].parents()) {
      if (const Shard* const found = map_.find(parent)) started[index_of(found)] = true;
    }
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!limits_[i] || (own[i] && *own[i] < *limits_[i])) limits_[i] = own[i];
  }
}

std::optional<Passed::Limit> Passed::limit_of(const Checkpoint& checkpoint) {
  if (std::holds_alternative<ShardEnd>(checkpoint)) return std::nullopt;
  if (const auto* const at = std::get_if<AtSequence>(&checkpoint)) return Limit{at->sequence};
  if (const auto* const after = std::get_if<AfterSequence>(&checkpoint)) return Limit{after->sequence, true};
  return Limit{SequenceNumber(before_all)};
}

}  // namespace shardlog

#include "shardlog/sqlite/resharder.h"

#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/capacity_table.h"

namespace shardlog::sqlite {

std::optional<ShardMap::Version> Resharder::apply(const ReshardStep& step, ShardMap::Version version,
                                                  const ValueChanges& attributes) {
  try {
    const auto change = [&] { return store_if_current(step, version, attributes); };
    const bool applied = session_.changing(Sync::full, Told::followers, change);
    return applied ? std::optional(configuration_.version) : std::nullopt;
  } catch (...) {
    forget();  // what is remembered may be ahead of what is stored
    throw;
  }
}

void Resharder::forget() {
  configuration_.version = 0;
  tail_ = Tail();
}

bool Resharder::store_if_current(const ReshardStep& step, ShardMap::Version version, const ValueChanges& attributes) {
  Database& database = session_.database();
  SQLite::Statement stored(database, std::string(select_configuration_version));
  // A repair of the clock changes arrivals.
  if (refresh(configuration_, database, stored, Access::write)) tail_ = Tail();
  if (configuration_.version != version) return false;
  TailScan(database).catch_up(configuration_, tail_);
  store(step, attributes);
  return true;
}

void Resharder::store(const ReshardStep& step, const ValueChanges& attributes) {
  const Timestamp now = std::max(session_.clock().now(), tail_.last_arrival());
  std::vector<Shard> parents;
  std::int64_t first_sequence = 1;
  for (const ShardId id : step.closes) {
    const ShardRow& row = row_of(id);
    parents.push_back(row.shard);
    // Greater than any number of the parents, so that a key's sequence numbers keep increasing.
    first_sequence = std::max(first_sequence, tail_.next_sequence(row));
  }
  const ShardId next(configuration_.shards.back().shard.id.number() + 1);
  const std::vector<Shard> children = children_of(step, parents, next, now);
  for (const ShardId id : step.closes) {
    ShardRow& row = row_of(id);
    row.shard.closed_at = now;
    store_shard(session_.database(), row);
  }
  for (const Shard& child : children) {
    configuration_.shards.push_back({child, first_sequence});
    store_shard(session_.database(), configuration_.shards.back());
  }
  if (limits_writing(configuration_)) hand_over_capacity(step.closes, children);
  change_values(configuration_.attributes, attributes);
  check(configuration_.attributes);
  ++configuration_.version;
  store_settings(session_.database(), configuration_);
}

/// Writers wait for what they reserved of the parents, and will store it in the children.
void Resharder::hand_over_capacity(std::span<const ShardId> parents, std::span<const Shard> children) {
  std::vector<ShardId> ids;
  for (const Shard& child : children) ids.push_back(child.id);
  CapacityTable buckets(session_.database(), CapacityTable::Use::writing);
  capacity::hand_over(buckets, parents, ids, moment_of(session_.clock()));
}

ShardRow& Resharder::row_of(ShardId id) {
  auto& shards = configuration_.shards;  // shard n is the n-th of them
  if (id.number() >= shards.size()) throw Error(ErrorCode::not_found, id.to_string() + ": no such shard");
  return shards[id.number()];
}

}  // namespace shardlog::sqlite

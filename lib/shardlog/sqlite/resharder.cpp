#include "shardlog/sqlite/resharder.h"

#include <algorithm>
#include <vector>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

Resharder::Resharder(SQLite::Database& database, Committer& committer, const Clock& clock)
    : database_(database),
      committer_(committer),
      clock_(clock),
      scan_(database),
      version_(database, std::string(select_configuration_version)) {
  configuration_.version = 0;
}

std::optional<ShardMap::Version> Resharder::apply(const ReshardStep& step, ShardMap::Version version) {
  bool applied = false;
  try {
    committer_.commit(Sync::full, [&] {
      if (read_configuration_version(version_) != configuration_.version) {
        configuration_ = load_configuration(database_, Access::write);
        tail_ = Tail();  // a repair of the clock changes arrivals
      }
      if (configuration_.version != version) return;
      scan_.catch_up(configuration_, tail_);
      store(step);
      applied = true;
    });
  } catch (...) {
    configuration_.version = 0;  // both may be ahead of what is stored
    tail_ = Tail();
    throw;
  }
  return applied ? std::optional(configuration_.version) : std::nullopt;
}

void Resharder::store(const ReshardStep& step) {
  const Timestamp now = std::max(clock_.now(), tail_.last_arrival());
  std::vector<Shard> parents;
  std::int64_t first_sequence = 1;
  for (const ShardId id : step.closes) {
    const ShardRow& row = row_of(id);
    parents.push_back(row.shard);
    // Greater than any of the parents', so that a key's sequence numbers go on increasing.
    first_sequence = std::max(first_sequence, tail_.next_sequence(row));
  }
  const ShardId next(configuration_.shards.back().shard.id.number() + 1);
  const std::vector<Shard> children = children_of(step, parents, next, now);
  for (const ShardId id : step.closes) {
    ShardRow& row = row_of(id);
    row.shard.closed_at = now;
    store_shard(database_, row);
  }
  for (const Shard& child : children) {
    configuration_.shards.push_back({child, first_sequence});
    store_shard(database_, configuration_.shards.back());
  }
  ++configuration_.version;
  store_settings(database_, configuration_);
}

ShardRow& Resharder::row_of(ShardId id) {
  auto& shards = configuration_.shards;
  const auto found = std::lower_bound(shards.begin(), shards.end(), id,
                                      [](const ShardRow& row, ShardId key) { return row.shard.id < key; });
  if (found == shards.end() || found->shard.id != id)
    throw Error(ErrorCode::not_found, id.to_string() + ": no such shard");
  return *found;
}

}  // namespace shardlog::sqlite

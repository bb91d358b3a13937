#include "shardlog/producing/allotment.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace shardlog::producing {

namespace {

void add(capacity::ShardNeed& to, const Record& record) {
  ++to.records;
  to.bytes += record.size();
}

}  // namespace

Allotment::Allotment(const capacity::Limits& limits, Duration patience, std::shared_ptr<const ShardMap> map)
    : price_(price_of_writing(limits)),
      most_(std::chrono::duration<double>(patience).count() / 2 + capacity::rounding),
      map_(std::move(map)) {}

std::optional<Throttled> Allotment::take(const Record& record) {
  if (!record.key && !record.explicit_hash_key) return std::nullopt;
  const HashKey key = record.explicit_hash_key ? *record.explicit_hash_key : HashKey::of(*record.key);
  const ShardId shard = map_->open_shards()[map_->open_index_of(key)];
  auto& [taken, refused] = shards_.try_emplace(shard, OfShard{{shard, 0}, {shard, 0}}).first->second;
  capacity::ShardNeed with = taken;
  add(with, record);
  const capacity::Seconds cost = price_.of(with.records, with.bytes);
  const Throttled over{cost.count > most_, cost.bytes > most_};
  if ((over.records || over.bytes) && taken.records > 0) {
    add(refused, record);
    return over;
  }
  taken = with;
  return std::nullopt;
}

capacity::Step Allotment::refused() const {
  capacity::Step all;
  for (const auto& [shard, part] : shards_) {
    if (part.refused.records > 0) all.push_back(part.refused);
  }
  return all;
}

}  // namespace shardlog::producing

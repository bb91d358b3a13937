#include "shardlog/log/stream.h"

#include <map>

namespace shardlog {

capacity::Step step_of(std::span<const RoutedBatch> batches) {
  std::map<ShardId, capacity::ShardNeed> needs;
  for (const auto& [shard, batch, arrived_at] : batches) {
    capacity::ShardNeed& need = needs.try_emplace(shard, capacity::ShardNeed{shard, 0, 0}).first->second;
    need.records += batch.record_count;
    need.bytes += batch.data_bytes;
  }
  capacity::Step step;
  for (const auto& [shard, need] : needs) step.push_back(need);
  return step;
}

}  // namespace shardlog

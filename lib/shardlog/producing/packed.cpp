#include "shardlog/producing/packed.h"

#include <iterator>
#include <utility>

namespace shardlog::producing {

void Packed::append(Packed next) {
  const auto first_batch = static_cast<std::uint32_t>(batches.size());
  for (const std::size_t run : next.runs) runs.push_back(first_batch + run);
  for (const auto& [batch, index] : next.places) {
    places.push_back({batch == Place::not_packed ? batch : first_batch + batch, index});
  }
  batches.insert(batches.end(), std::move_iterator(next.batches.begin()), std::move_iterator(next.batches.end()));
}

void Packed::deal(Router& router) {
  for (const std::size_t run : runs) {
    RoutedBatch& batch = batches[run];
    batch.shard = router.map().open_shards()[router.deal(batch.batch.data_bytes + batch.batch.record_count)];
  }
}

}  // namespace shardlog::producing

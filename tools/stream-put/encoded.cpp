#include "tools/stream-put/encoded.h"

#include <iterator>
#include <utility>

namespace shardlog::cli {

namespace {

template <typename Item>
void move_behind(std::vector<Item>& to, std::vector<Item>& from) {
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
}

}  // namespace

void Encoded::append(Encoded next) {
  const auto first_batch = static_cast<std::uint32_t>(batches.size());
  for (const std::size_t run : next.runs) runs.push_back(first_batch + run);
  const auto first_reason = static_cast<std::uint32_t>(reasons.size());
  for (const auto& [batch, index] : next.places) {
    if (batch == Place::not_stored) {
      places.push_back({batch, first_reason + index});
    } else {
      places.push_back({first_batch + batch, index});
    }
  }
  move_behind(batches, next.batches);
  move_behind(reasons, next.reasons);
  move_behind(skipped, next.skipped);
  skipped_records += next.skipped_records;
  for (auto& [source, place] : next.moves) moves.insert_or_assign(source, std::move(place));
  if (!next.notice.empty()) notice = std::move(next.notice);
  bytes += next.bytes;
  chunks += next.chunks;
  input_bytes += next.input_bytes;
  error = std::move(next.error);
}

void Encoded::deal(Router& router) {
  for (const std::size_t run : runs) {
    RoutedBatch& batch = batches[run];
    batch.shard = router.map().open_shards()[router.deal(batch.batch.data_bytes + batch.batch.record_count)];
  }
}

}  // namespace shardlog::cli

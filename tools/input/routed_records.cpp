#include "tools/input/routed_records.h"

#include <numeric>

namespace shardlog::cli {

RoutedRecords::RoutedRecords(Router& router) : router_(router), pending_(router.map().open_shards().size()) {}

void RoutedRecords::add(const Record& record) {
  const std::size_t shard = route(record);
  Pending& pending = pending_[shard];
  if (pending.records.size() == max_batch_records || pending.bytes + record.size() > max_batch_bytes)
    flush_shard(shard);
  pending.records.push_back(record);
  pending.bytes += record.size();
}

void RoutedRecords::flush() {
  for (std::size_t shard = 0; shard < pending_.size(); ++shard) flush_shard(shard);
}

void RoutedRecords::add_lines(std::string_view lines, std::span<const std::uint32_t> lengths) {
  flush_shard(keyless());
  while (!lengths.empty()) {
    const auto part = lengths.first(fitting(lengths, max_batch_records));
    const std::size_t size = std::accumulate(part.begin(), part.end(), part.size());
    batches_.push_back({router_.map().open_shards()[keyless()], encode_lines(lines.substr(0, size), part)});
    lines.remove_prefix(size);
    lengths = lengths.subspan(part.size());
  }
}

std::size_t RoutedRecords::route(const Record& record) {
  if (record.explicit_hash_key) return router_.index_of(*record.explicit_hash_key);
  return record.key ? router_.index_of(*record.key) : keyless();
}

std::size_t RoutedRecords::keyless() {
  if (!keyless_) keyless_ = router_.next_keyless();
  return *keyless_;
}

void RoutedRecords::flush_shard(std::size_t shard) {
  Pending& pending = pending_[shard];
  if (pending.records.empty()) return;
  batches_.push_back({router_.map().open_shards()[shard], encode(pending.records)});
  pending = {};
}

std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < lengths.size() && count < most_records && bytes + lengths[count] <= max_batch_bytes) {
    bytes += lengths[count++];
  }
  return count;
}

}  // namespace shardlog::cli

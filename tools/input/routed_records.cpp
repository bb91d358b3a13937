#include "tools/input/routed_records.h"

#include <numeric>

#include "tools/input/runs.h"

namespace shardlog::cli {

RoutedRecords::RoutedRecords(Router& router, Compression compression)
    : router_(router), compression_(compression), shards_(router.map().open_shards().size()), pending_(shards_ + 1) {}

void RoutedRecords::add(const Record& record) {
  const std::size_t place = route(record);
  Pending& pending = pending_[place];
  if (pending.records.size() == max_batch_records || pending.bytes + record.size() > max_batch_bytes)
    flush_pending(place);
  pending.records.push_back(record);
  pending.bytes += record.size();
  bytes_ += record.size();
}

void RoutedRecords::flush() {
  for (std::size_t place = 0; place < pending_.size(); ++place) flush_pending(place);
}

void RoutedRecords::add_lines(std::string_view lines, std::span<const std::uint32_t> lengths) {
  flush_pending(keyless_place());
  bytes_ += lines.size();
  while (!lengths.empty()) {
    const auto part = lengths.first(fitting(lengths, max_batch_records));
    for (const std::size_t count : cut_into_runs(part, shards_, bytes_)) {
      const auto run = lengths.first(count);
      const std::size_t size = std::accumulate(run.begin(), run.end(), run.size());
      add_run(encode_lines(lines.substr(0, size), run, compression_));
      lines.remove_prefix(size);
      lengths = lengths.subspan(count);
    }
  }
}

std::size_t RoutedRecords::route(const Record& record) const {
  if (record.explicit_hash_key) return router_.index_of(*record.explicit_hash_key);
  return record.key ? router_.index_of(*record.key) : keyless_place();
}

void RoutedRecords::flush_pending(std::size_t place) {
  Pending& pending = pending_[place];
  if (pending.records.empty()) return;
  if (place == shards_) {
    flush_runs(pending.records);
  } else {
    batches_.push_back({router_.map().open_shards()[place], encode(pending.records, std::nullopt, compression_)});
  }
  pending = {};
}

void RoutedRecords::flush_runs(std::span<const Record> records) {
  for (const std::size_t count : cut_into_runs(records, shards_, bytes_)) {
    add_run(encode(records.first(count), std::nullopt, compression_));
    records = records.subspan(count);
  }
}

void RoutedRecords::add_run(EncodedBatch batch) {
  const std::size_t place = router_.deal(batch.data_bytes + batch.record_count);
  batches_.push_back({router_.map().open_shards()[place], std::move(batch)});
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

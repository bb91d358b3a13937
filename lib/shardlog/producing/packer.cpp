#include "shardlog/producing/packer.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "shardlog/producing/runs.h"

namespace shardlog::producing {

namespace {
constexpr std::size_t most_kept = 128UL * 1024;  // records whose memory is kept after a flush
}

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

Packer::Packer(ShardMap map, Compression compression, bool with_places, std::uint64_t most_bytes)
    : router_(std::move(map), 0),
      compression_(compression),
      with_places_(with_places),
      batch_bound_(std::min<std::uint64_t>(most_bytes, max_batch_bytes)),
      pending_(shards() + 1) {}

void Packer::use(ShardMap map) {
  router_ = Router(std::move(map), 0);
  pending_.resize(shards() + 1);
}

Packer::Held Packer::add(const Record& record) {
  const std::size_t slot = slot_of(record);
  Pending& pending = pending_[slot];
  if (pending.records.size() == max_batch_records || pending.bytes + record.size() > batch_bound_) flush_slot(slot);
  pending.records.push_back(record);
  pending.bytes += record.size();
  added_bytes_ += record.size();
  if (with_places_) {
    pending.inputs.push_back(packed_.places.size());
    packed_.places.emplace_back();
  }
  return {pending.records.size(), pending.bytes};
}

void Packer::add_lines(std::string_view lines, std::span<const std::uint32_t> lengths) {
  flush_slot(keyless_slot());
  added_bytes_ += std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  while (!lengths.empty()) {
    const auto part = lengths.first(fitting(lengths, max_batch_records, batch_bound_));
    for (const std::size_t count : cut_into_runs(part, shards(), input_bytes())) {
      const auto run = lengths.first(count);
      const std::size_t size = std::accumulate(run.begin(), run.end(), run.size());
      const auto batch = static_cast<std::uint32_t>(packed_.batches.size());
      for (std::uint32_t i = 0; with_places_ && i < count; ++i) packed_.places.push_back({batch, i});
      push(keyless_slot(), encode_lines(lines.substr(0, size), run, compression_));
      lines.remove_prefix(size);
      lengths = lengths.subspan(count);
    }
  }
}

void Packer::set_arrival(std::optional<Timestamp> arrived_at) {
  if (arrived_at == arrived_at_) return;
  flush();  // a batch has one arrival time
  arrived_at_ = arrived_at;
}

void Packer::flush() {
  for (std::size_t slot = 0; slot < pending_.size(); ++slot) flush_slot(slot);
}

std::size_t Packer::bytes() const {
  return std::accumulate(packed_.batches.begin(), packed_.batches.end(), std::size_t{0},
                         [](std::size_t sum, const RoutedBatch& each) { return sum + each.batch.payload.size(); });
}

std::size_t Packer::slot_of(const Record& record) {
  if (record.explicit_hash_key) return router_.index_of(*record.explicit_hash_key);
  return record.key ? router_.index_of(*record.key) : keyless_slot();
}

void Packer::push(std::size_t slot, EncodedBatch batch) {
  const bool run = slot == shards();
  if (run) packed_.runs.push_back(packed_.batches.size());
  packed_.batches.push_back({router_.map().open_shards()[run ? 0 : slot], std::move(batch), arrived_at_});
}

void Packer::flush_slot(std::size_t slot) {
  Pending& pending = pending_[slot];
  if (pending.records.empty()) return;
  std::span<const Record> records = pending.records;
  std::size_t input = 0;
  const auto runs = slot == shards() ? cut_into_runs(records, shards(), input_bytes()) : std::vector{records.size()};
  for (const std::size_t count : runs) {
    const auto batch = static_cast<std::uint32_t>(packed_.batches.size());
    push(slot, encode(records.first(count), compression_));
    records = records.subspan(count);
    for (std::uint32_t i = 0; with_places_ && i < count; ++i) packed_.places[pending.inputs[input++]] = {batch, i};
  }
  pending.records.clear();
  pending.inputs.clear();
  pending.bytes = 0;
  if (pending.records.capacity() > most_kept / shards())
    pending = {};  // so that not every shard keeps room for a large batch
}

std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records, std::uint64_t most_bytes) {
  const std::uint64_t most = std::min<std::uint64_t>(most_bytes, max_batch_bytes);
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  while (count < lengths.size() && count < most_records && (count == 0 || bytes + lengths[count] <= most)) {
    bytes += lengths[count++];
  }
  return count;
}

}  // namespace shardlog::producing

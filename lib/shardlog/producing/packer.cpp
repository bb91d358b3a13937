#include "shardlog/producing/packer.h"

#include <numeric>

#include "shardlog/producing/runs.h"

namespace shardlog::producing {

namespace {
constexpr std::size_t most_kept = 128UL * 1024;  // records for which room is kept after a flush
}

Packer::Packer(ShardMap map, Compression compression, bool with_places)
    : router_(std::move(map), 0), compression_(compression), with_places_(with_places), pending_(shards() + 1) {}

void Packer::use(ShardMap map) {
  router_ = Router(std::move(map), 0);
  pending_.resize(shards() + 1);
}

void Packer::add(const Record& record) {
  const std::size_t place = place_of(record);
  Pending& pending = pending_[place];
  if (pending.records.size() == max_batch_records || pending.bytes + record.size() > max_batch_bytes)
    flush_pending(place);
  pending.records.push_back(record);
  pending.bytes += record.size();
  added_bytes_ += record.size();
  if (!with_places_) return;
  pending.inputs.push_back(packed_.places.size());
  packed_.places.emplace_back();
}

void Packer::add_lines(std::string_view lines, std::span<const std::uint32_t> lengths) {
  flush_pending(keyless_place());
  added_bytes_ += std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  while (!lengths.empty()) {
    const auto part = lengths.first(fitting(lengths, max_batch_records));
    for (const std::size_t count : cut_into_runs(part, shards(), input_bytes())) {
      const auto run = lengths.first(count);
      const std::size_t size = std::accumulate(run.begin(), run.end(), run.size());
      const auto batch = static_cast<std::uint32_t>(packed_.batches.size());
      for (std::uint32_t i = 0; with_places_ && i < count; ++i) packed_.places.push_back({batch, i});
      push(keyless_place(), encode_lines(lines.substr(0, size), run, compression_));
      lines.remove_prefix(size);
      lengths = lengths.subspan(count);
    }
  }
}

void Packer::set_arrival(std::optional<Timestamp> arrived_at) {
  if (arrived_at == arrived_at_) return;
  flush();  // a batch has one
  arrived_at_ = arrived_at;
}

void Packer::flush() {
  for (std::size_t place = 0; place < pending_.size(); ++place) flush_pending(place);
}

std::size_t Packer::bytes() const {
  return std::accumulate(packed_.batches.begin(), packed_.batches.end(), std::size_t{0},
                         [](std::size_t sum, const RoutedBatch& each) { return sum + each.batch.payload.size(); });
}

std::size_t Packer::place_of(const Record& record) {
  if (record.explicit_hash_key) return router_.index_of(*record.explicit_hash_key);
  return record.key ? router_.index_of(*record.key) : keyless_place();
}

void Packer::push(std::size_t place, EncodedBatch batch) {
  const bool run = place == shards();
  if (run) packed_.runs.push_back(packed_.batches.size());
  packed_.batches.push_back({router_.map().open_shards()[run ? 0 : place], std::move(batch), arrived_at_});
}

void Packer::flush_pending(std::size_t place) {
  Pending& pending = pending_[place];
  if (pending.records.empty()) return;
  std::span<const Record> records = pending.records;
  std::size_t input = 0;
  const auto runs = place == shards() ? cut_into_runs(records, shards(), input_bytes()) : std::vector{records.size()};
  for (const std::size_t count : runs) {
    const auto batch = static_cast<std::uint32_t>(packed_.batches.size());
    push(place, encode(records.first(count), compression_));
    records = records.subspan(count);
    for (std::uint32_t i = 0; with_places_ && i < count; ++i) packed_.places[pending.inputs[input++]] = {batch, i};
  }
  pending.records.clear();
  pending.inputs.clear();
  pending.bytes = 0;
  if (pending.records.capacity() > most_kept / shards()) pending = {};  // each shard has its turn to be large
}

std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < lengths.size() && count < most_records && bytes + lengths[count] <= max_batch_bytes) {
    bytes += lengths[count++];
  }
  return count;
}

}  // namespace shardlog::producing

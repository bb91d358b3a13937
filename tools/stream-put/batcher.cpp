#include "tools/stream-put/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

namespace shardlog::cli {

Batcher::Batcher(const StreamDescription& stream, const KeyOptions& key, bool with_places)
    : router_(stream.map, stream.last_batch),
      max_record_size_(stream.settings.max_record_size),
      key_source_(make_key_source(key)),
      missing_key_(key.missing.value_or("error")),
      with_places_(with_places),
      pending_(stream.map.open_shards().size()) {}

void Batcher::use(ShardMap map) {
  const std::lock_guard guard(mutex_);
  next_map_ = std::move(map);
}

void Batcher::take_over_map() {
  const std::lock_guard guard(mutex_);
  if (!next_map_) return;
  pending_.resize(next_map_->open_shards().size());
  router_ = Router(std::move(*next_map_), router_.next_keyless());
  next_map_.reset();
}

Encoded Batcher::encode(const Chunk& chunk) {
  take_over_map();
  Encoded encoded;
  encoded.error = chunk.error;
  if (key_source_ == nullptr) {
    encode_lines_of(chunk, encoded);
  } else {
    encode_keyed(chunk, encoded);
  }
  for (const RoutedBatch& batch : encoded.batches) encoded.bytes += batch.batch.payload.size();
  return encoded;
}

/// Without keys the lines are stored as they stand.
void Batcher::encode_lines_of(const Chunk& chunk, Encoded& encoded) {
  std::string_view lines = chunk.lines();
  std::span<const std::uint32_t> lengths(chunk.lengths);
  while (!lengths.empty()) {
    const auto part = lengths.first(std::min(lengths.size(), max_batch_records));
    const std::size_t size = std::accumulate(part.begin(), part.end(), part.size());
    add(router_.next_keyless(), shardlog::encode_lines(lines.substr(0, size), part), encoded);
    if (with_places_) {
      const auto batch = static_cast<std::uint32_t>(encoded.batches.size() - 1);
      for (std::uint32_t i = 0; i < part.size(); ++i) encoded.places.emplace_back(batch, i);
    }
    lines.remove_prefix(size);
    lengths = lengths.subspan(part.size());
  }
}

void Batcher::encode_keyed(const Chunk& chunk, Encoded& encoded) {
  if (with_places_) encoded.places.resize(chunk.lengths.size());
  keyless_shard_.reset();
  std::size_t at = 0;
  std::size_t input = 0;
  try {
    for (const std::uint32_t length : chunk.lengths) {
      const Record record = make_record(chunk.lines().substr(at, length));
      at += length + 1;
      const std::size_t shard = route(record);
      Pending& pending = pending_[shard];
      if (pending.records.size() == max_batch_records || pending.bytes + record.size() > max_batch_bytes)
        flush_shard(shard, encoded);
      pending.records.push_back(record);
      pending.bytes += record.size();
      if (with_places_) pending.inputs.push_back(input);
      ++input;
    }
  } catch (const Error& error) {
    const auto line = chunk.first_line + input;
    encoded.error = InputError{error.code(), fmt::format("line {} of {}: {}", line, quote(chunk.source), error.what())};
    if (with_places_) encoded.places.resize(input);
  }
  for (std::size_t shard = 0; shard < pending_.size(); ++shard) flush_shard(shard, encoded);
}

Record Batcher::make_record(std::string_view data) {
  Record record{data, key_source_->key_of(data)};
  if (!record.key && missing_key_ == "error")
    throw Error(ErrorCode::malformed, "no partition key (--missing-key none|KEY takes it)");
  if (!record.key && missing_key_ != "none") record.key = missing_key_;
  check(record, max_record_size_);
  return record;
}

std::size_t Batcher::route(const Record& record) {
  if (record.key) return router_.index_of(*record.key);
  if (!keyless_shard_) keyless_shard_ = router_.next_keyless();
  return *keyless_shard_;
}

void Batcher::add(std::size_t shard, EncodedBatch batch, Encoded& encoded) const {
  encoded.batches.push_back({router_.map().open_shards()[shard], std::move(batch)});
}

void Batcher::flush_shard(std::size_t shard, Encoded& encoded) {
  Pending& pending = pending_[shard];
  if (pending.records.empty()) return;
  add(shard, shardlog::encode(pending.records), encoded);
  const auto batch = static_cast<std::uint32_t>(encoded.batches.size() - 1);
  for (std::uint32_t i = 0; i < pending.inputs.size(); ++i) encoded.places[pending.inputs[i]] = {batch, i};
  pending.records.clear();
  pending.inputs.clear();
  pending.bytes = 0;
}

}  // namespace shardlog::cli

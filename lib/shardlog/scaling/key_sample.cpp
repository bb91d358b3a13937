#include "shardlog/scaling/key_sample.h"

#include <algorithm>
#include <utility>

namespace shardlog::scaling {

namespace {

using reshard::KeySample;

constexpr std::size_t read_budget = 64UL * 1024;

/// The record as it was routed.
KeySample sample_of(const Record& record) {
  KeySample sample{.hash = record.explicit_hash_key, .bytes = record.size()};
  if (record.key) {
    sample.key = *record.key;
    if (!sample.hash) sample.hash = HashKey::of(*record.key);
  } else if (sample.hash) {
    sample.key = "hash key " + sample.hash->to_string();
  }
  return sample;
}

/// `wanted` records, spread evenly over these batches.
std::vector<KeySample> spread(const std::vector<StoredBatch>& batches, std::uint64_t wanted) {
  std::vector<KeySample> samples;
  std::uint64_t all = 0;
  for (const StoredBatch& batch : batches) all += batch.count;
  wanted = std::min(wanted, all);
  std::uint64_t passed = 0;
  for (const StoredBatch& batch : batches) {
    std::size_t index = 0;
    for (const Record& record : batch.records) {
      const std::size_t place = index++;
      if (place < batch.first || place >= batch.first + batch.count) continue;
      ++passed;
      if (passed * wanted / all != (passed - 1) * wanted / all) samples.push_back(sample_of(record));
    }
  }
  return samples;
}

/// The first batches, as many as hold that many records.
std::vector<StoredBatch> first_batches(Stream& stream, ShardId shard, Timestamp from, Timestamp until,
                                       std::uint64_t wanted) {
  const auto reader = stream.read({.shards = {shard}, .from = AtTime{from}, .until = AtTime{until}});
  std::vector<StoredBatch> batches;
  for (std::uint64_t records = 0; records < wanted;) {
    ReadResult result = reader->next(read_budget);
    for (StoredBatch& batch : result.batches) {
      records += batch.count;
      batches.push_back(std::move(batch));
    }
    if (result.at_end || (result.batches.empty() && result.gaps.empty())) break;
  }
  return batches;
}

}  // namespace

std::vector<KeySample> sample_records(Stream& stream, ShardId shard, Timestamp from, Timestamp until,
                                      std::uint64_t wanted) {
  return spread(first_batches(stream, shard, from, until, wanted), wanted);
}

}  // namespace shardlog::scaling

#include "shardlog/consuming/read_meter.h"

#include <algorithm>

#include "shardlog/consuming/delivery.h"

namespace shardlog::consuming {

namespace {

using metrics::ReaderMeasures;

/// Of `records` that arrived at the same time.
void measure(ReaderMeasures& reader, Timestamp arrived_at, std::uint64_t records, Timestamp now, bool at_tail) {
  const Duration age = now - arrived_at;
  reader.age.add(age, records);
  if (at_tail) reader.propagation.add(age, records);
  if (age < Duration(0)) reader.skewed += records;
}

void measure(ReaderMeasures& reader, const StoredBatch& batch, Timestamp now, bool at_tail) {
  if (batch.arrivals.at_once()) return measure(reader, batch.arrivals[0], batch.count, now, at_tail);
  for (std::size_t i = batch.first; i < batch.first + batch.count; ++i) {
    measure(reader, batch.arrivals[i], 1, now, at_tail);
  }
}

}  // namespace

void ReadMeter::read(std::span<const StoredBatch> batches, std::optional<Duration> took) {
  if (batches.empty()) return;
  const Timestamp now = clock_.now();
  metrics::Measures& measures = recorder_.at(now);
  ReaderMeasures& reader = measures.readers[consumer_];
  std::map<ShardId, metrics::Counts> shards;
  auto shard = shards.end();
  for (const StoredBatch& batch : batches) {
    if (shard == shards.end() || shard->first != batch.shard) shard = shards.try_emplace(batch.shard).first;
    shard->second.records += batch.count;
    shard->second.bytes += bytes_of(batch, batch.first, batch.count);
    measure(reader, batch, now, at_tail_);
  }
  if (took) called_.clear();
  for (auto& [of_shard, counts] : shards) {
    reader.out += counts;
    counts.calls = called_.insert(of_shard).second ? 1 : 0;
    measures.shards[of_shard].out += counts;
  }
  if (!took) return;
  ++reader.out.calls;
  reader.read.add(*took);
}

void ReadMeter::processed(std::uint64_t records) {
  if (records > 0) recorder_.at(clock_.now()).readers[consumer_].processed += records;
}

void ReadMeter::throttled(ShardId shard) {
  metrics::Measures& measures = recorder_.at(clock_.now());
  ++measures.shards[shard].reads_throttled.calls;
  ++measures.readers[consumer_].throttled.calls;
}

void ReadMeter::finish() {
  constexpr Duration short_run = std::chrono::seconds(1);
  if (!consumer_.empty()) return recorder_.write_at_end();  // it waits for others anyway, to give its leases back
  if (clock_.elapsed() - started_ >= short_run) recorder_.write();
}

}  // namespace shardlog::consuming

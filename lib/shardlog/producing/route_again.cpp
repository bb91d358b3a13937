#include "shardlog/producing/route_again.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "shardlog/producing/runs.h"

namespace shardlog::producing {

namespace {

struct Gathered {
  std::vector<Record> records;
  std::vector<std::size_t> inputs;  ///< their places in the batch they come from
};

/// A new batch, with records of one old batch.
struct Part {
  std::optional<ShardId> shard;  ///< none where any shard may have it, because it is a run
  EncodedBatch batch;
  std::vector<std::size_t> inputs;  ///< the places of its records in the old batch
};

Part whole(std::optional<ShardId> shard, EncodedBatch batch) {
  std::vector<std::size_t> inputs(batch.record_count);
  std::iota(inputs.begin(), inputs.end(), std::size_t{0});
  return {shard, std::move(batch), std::move(inputs)};
}

/// By place in the map's open_shards(). Behind the last one stand the records that are to be dealt out.
std::map<std::size_t, Gathered> gather(const RecordBatch& batch, Router& router) {
  const std::size_t shards = router.map().open_shards().size();
  std::map<std::size_t, Gathered> gathered;
  std::size_t input = 0;
  for (const Record& record : batch) {
    std::size_t place = shards == 1 ? 0 : shards;
    if (record.explicit_hash_key) {
      place = router.index_of(*record.explicit_hash_key);
    } else if (record.key) {
      place = router.index_of(*record.key);
    }
    gathered[place].records.push_back(record);
    gathered[place].inputs.push_back(input++);
  }
  return gathered;
}

std::vector<Part> parts_of(EncodedBatch batch, Router& router) {
  const std::vector<ShardId>& shards = router.map().open_shards();
  const RecordBatch old = RecordBatch::decode(std::move(batch.payload));
  std::vector<Part> parts;
  for (const auto& [place, gathered] : gather(old, router)) {
    std::span<const Record> records = gathered.records;
    const bool dealt = place == shards.size();
    const std::optional<ShardId> shard = dealt ? std::nullopt : std::optional(shards[place]);
    auto inputs = gathered.inputs.begin();
    for (const std::size_t count :
         dealt ? cut_into_runs(records, shards.size(), old.lines().size()) : std::vector{records.size()}) {
      const auto end = inputs + static_cast<std::ptrdiff_t>(count);
      parts.push_back({shard, encode(records.first(count), old.compression()), {inputs, end}});
      records = records.subspan(count);
      inputs = end;
    }
  }
  return parts;
}

ShardId dealt_to(const Part& run, Router& router) {
  return router.map().open_shards()[router.deal(run.batch.data_bytes + run.batch.record_count)];
}

}  // namespace

Rerouted route_again(Packed packed, const std::vector<Outcome>& outcomes, Router& router) {
  Rerouted result;
  Packed& routed = result.packed;
  std::vector<std::vector<Place>> moved;  // by old batch and place
  for (std::size_t old = 0; old < packed.batches.size(); ++old) {
    RoutedBatch& batch = packed.batches[old];
    std::vector<Place>& places = moved.emplace_back(packed.places.empty() ? 0 : batch.batch.record_count);
    const bool sealed = std::holds_alternative<Sealed>(outcomes[old]);
    const bool is_run = std::binary_search(packed.runs.begin(), packed.runs.end(), old);
    std::vector<Part> parts;
    if (!sealed || (!is_run && router.map().at(batch.shard).open())) {
      parts.push_back(whole(batch.shard, std::move(batch.batch)));
    } else if (is_run) {
      parts.push_back(whole(std::nullopt, std::move(batch.batch)));
    } else {
      parts = parts_of(std::move(batch.batch), router);
    }
    for (Part& part : parts) {
      const auto number = static_cast<std::uint32_t>(routed.batches.size());
      for (std::uint32_t i = 0; i < part.inputs.size() && !places.empty(); ++i) places[part.inputs[i]] = {number, i};
      if (!part.shard) routed.runs.push_back(number);
      routed.batches.push_back(
          {part.shard ? *part.shard : dealt_to(part, router), std::move(part.batch), batch.arrived_at});
      result.origins.push_back(old);
    }
  }
  routed.places = std::move(packed.places);
  for (Place& place : routed.places) {
    if (place.batch != Place::not_packed) place = moved[place.batch][place.index];
  }
  return result;
}

}  // namespace shardlog::producing

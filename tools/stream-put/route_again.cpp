#include "tools/stream-put/route_again.h"

#include <map>
#include <utility>

namespace shardlog::cli {

namespace {

/// The records of one batch, by the place of their new shard in the map's open_shards().
struct Part {
  std::vector<Record> records;
  std::vector<std::size_t> inputs;  ///< their places in the batch they come from
};

std::map<std::size_t, Part> parts_of(const RecordBatch& batch, Router& router) {
  std::map<std::size_t, Part> parts;
  std::optional<std::size_t> keyless;  // one for all, so that their order stays
  std::size_t input = 0;
  for (const Record& record : batch) {
    std::size_t shard = 0;
    if (record.explicit_hash_key) {
      shard = router.index_of(*record.explicit_hash_key);
    } else if (record.key) {
      shard = router.index_of(*record.key);
    } else {
      if (!keyless) keyless = router.next_keyless();
      shard = *keyless;
    }
    Part& part = parts[shard];
    part.records.push_back(record);
    part.inputs.push_back(input++);
  }
  return parts;
}

}  // namespace

Encoded route_again(Encoded encoded, Router& router) {
  std::vector<RoutedBatch> result;
  std::vector<std::vector<Place>> moved;  // by old batch and place
  for (RoutedBatch& batch : encoded.batches) {
    const std::size_t count = batch.batch.record_count;
    std::vector<Place> places(encoded.places.empty() ? 0 : count);
    const auto note = [&](std::size_t input, std::size_t place) {
      if (!places.empty())
        places[input] = {static_cast<std::uint32_t>(result.size()), static_cast<std::uint32_t>(place)};
    };
    if (router.map().find(batch.shard)->open()) {
      for (std::size_t i = 0; i < count; ++i) note(i, i);
      result.push_back(std::move(batch));
    } else {
      const RecordBatch records = RecordBatch::decode(std::move(batch.batch.payload));
      for (const auto& [shard, part] : parts_of(records, router)) {
        for (std::size_t i = 0; i < part.inputs.size(); ++i) note(part.inputs[i], i);
        result.push_back(
            {router.map().open_shards()[shard], encode(part.records, std::nullopt, records.compression())});
      }
    }
    moved.push_back(std::move(places));
  }
  for (Place& place : encoded.places) {
    if (place.batch != Place::not_stored) place = moved[place.batch][place.index];
  }
  encoded.batches = std::move(result);
  return encoded;
}

}  // namespace shardlog::cli

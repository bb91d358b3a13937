#include "shardlog/producing/join.h"

#include <algorithm>
#include <map>
#include <utility>

namespace shardlog::producing {

namespace {

constexpr std::size_t most_joined = 256UL * 1024;  // bytes of data: larger batches are worth a row

/// Batches that become one.
struct Group {
  std::vector<std::size_t> batches;  ///< their indexes, ascending
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  bool run = false;
};

/// Finds out which batches can be joined.
class Groups {
 public:
  explicit Groups(const Packed& packed) {
    for (std::size_t i = 0; i < packed.batches.size(); ++i) {
      add(packed.batches, i, std::binary_search(packed.runs.begin(), packed.runs.end(), i));
    }
  }

  [[nodiscard]] const std::vector<Group>& all() const { return all_; }

 private:
  void add(const std::vector<RoutedBatch>& batches, std::size_t index, bool run) {
    const RoutedBatch& batch = batches[index];
    std::size_t& latest = run ? latest_run_ : latest_[batch.shard];
    if (latest == 0 || !takes(all_[latest - 1], batches, batch)) {
      all_.emplace_back();
      all_.back().run = run;
      latest = all_.size();
    }
    Group& group = all_[latest - 1];
    group.batches.push_back(index);
    group.records += batch.batch.record_count;
    group.bytes += batch.batch.data_bytes;
  }

  static bool takes(const Group& group, const std::vector<RoutedBatch>& batches, const RoutedBatch& batch) {
    const RoutedBatch& first = batches[group.batches.front()];
    return first.shard == batch.shard && first.arrived_at == batch.arrived_at &&
           group.bytes + batch.batch.data_bytes <= most_joined &&
           group.records + batch.batch.record_count <= max_batch_records;
  }

  std::vector<Group> all_;
  std::map<ShardId, std::size_t> latest_;  ///< of each shard, one more than its index; 0 if there is none
  std::size_t latest_run_ = 0;             ///< likewise
};

EncodedBatch joined(std::vector<RoutedBatch>& batches, const Group& group, Compression compression) {
  if (group.batches.size() == 1 && compression == Compression::none) {
    return std::move(batches[group.batches.front()].batch);
  }
  std::vector<RecordBatch> decoded;
  for (const std::size_t index : group.batches) {
    decoded.push_back(RecordBatch::decode(std::move(batches[index].batch.payload)));
  }
  std::vector<Record> records;
  for (const RecordBatch& each : decoded) {
    for (const Record& record : each) records.push_back(record);
  }
  return encode(records, compression);
}

}  // namespace

Packed join(Packed packed, Compression compression) {
  const Groups groups(packed);
  if (groups.all().size() == packed.batches.size() && compression == Compression::none) return packed;
  Packed result;
  std::vector<Place> starts(packed.batches.size());  // of the records of each old batch
  for (const Group& group : groups.all()) {
    const auto index = static_cast<std::uint32_t>(result.batches.size());
    std::uint32_t first = 0;
    for (const std::size_t old : group.batches) {
      starts[old] = {index, first};
      first += packed.batches[old].batch.record_count;
    }
    if (group.run) result.runs.push_back(index);
    const RoutedBatch& old = packed.batches[group.batches.front()];
    const ShardId shard = old.shard;
    const std::optional<Timestamp> arrived_at = old.arrived_at;
    result.batches.push_back({shard, joined(packed.batches, group, compression), arrived_at});
  }
  for (Place& place : packed.places) {
    if (place.batch != Place::not_packed) place = {starts[place.batch].batch, starts[place.batch].index + place.index};
  }
  result.places = std::move(packed.places);
  return result;
}

}  // namespace shardlog::producing

#include "shardlog/producing/covered.h"

#include <utility>
#include <vector>

namespace shardlog::producing {

namespace {

/// Takes the records of one shard, in their order, as far as they are covered.
class Coverage {
 public:
  Coverage(const Cover& cover, const capacity::Price& price)
      : price_(price),
        most_{cover.paid.count + capacity::rounding, cover.paid.bytes + capacity::rounding},
        is_exhausted_(cover.paid == capacity::Seconds{}) {}

  /// Leaves in the batch those of its records that are covered. Returns how many they are; if none, the batch is gone.
  std::uint32_t cut(EncodedBatch& batch) {
    if (is_exhausted_) return 0;
    if (fits(batch.record_count, batch.data_bytes)) return batch.record_count;
    is_exhausted_ = true;
    const RecordBatch all = RecordBatch::decode(std::move(batch.payload));
    std::vector<Record> first;
    for (const Record& record : all) {
      if (!fits(1, record.size())) break;
      first.push_back(record);
    }
    if (!first.empty()) batch = encode(first, all.compression());
    return static_cast<std::uint32_t>(first.size());
  }

 private:
  bool fits(std::uint64_t records, std::uint64_t bytes) {
    const capacity::Seconds cost = price_.of(records_ + records, bytes_ + bytes);
    if (cost.count > most_.count || cost.bytes > most_.bytes) return false;
    records_ += records;
    bytes_ += bytes;
    return true;
  }

  const capacity::Price price_;
  const capacity::Seconds most_;
  bool is_exhausted_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Where the records of a batch are now.
struct Moved {
  std::uint32_t batch = 0;
  std::uint32_t kept = 0;         ///< how many of them, from the first on
  std::uint32_t index_of_rest{};  ///< of the places of the others

  [[nodiscard]] Place place_of(std::uint32_t index) const {
    return index < kept ? Place{batch, index} : Place{Place::not_packed, index_of_rest};
  }
};

}  // namespace

void keep_covered(Packed& packed, const std::map<ShardId, Cover>& covers, const capacity::Price& price) {
  if (covers.empty()) return;
  std::map<ShardId, Coverage> coverages;
  for (const auto& [shard, cover] : covers) coverages.try_emplace(shard, cover, price);
  Packed before = std::exchange(packed, {});
  std::vector<Moved> moved;
  auto run = before.runs.begin();
  for (std::size_t old = 0; old < before.batches.size(); ++old) {
    const bool is_run = run != before.runs.end() && *run == old;
    if (is_run) ++run;
    RoutedBatch& batch = before.batches[old];
    const auto coverage = coverages.find(batch.shard);
    const bool is_whole = coverage == coverages.end();
    const std::uint32_t kept = is_whole ? batch.batch.record_count : coverage->second.cut(batch.batch);
    const std::uint32_t index_of_rest = is_whole ? 0 : covers.at(batch.shard).index;
    moved.push_back({static_cast<std::uint32_t>(packed.batches.size()), kept, index_of_rest});
    if (kept == 0) continue;
    if (is_run) packed.runs.push_back(packed.batches.size());
    packed.batches.push_back(std::move(batch));
  }
  packed.places = std::move(before.places);
  for (Place& place : packed.places) {
    if (place.batch != Place::not_packed) place = moved[place.batch].place_of(place.index);
  }
}

}  // namespace shardlog::producing

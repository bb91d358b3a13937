#include "tools/stream-get/record_filter.h"

#include <algorithm>

namespace shardlog::cli {

std::span<const RecordRun> RecordFilter::select(const StoredBatch& batch) {
  runs_.clear();
  if (!key_ && !sampler_) {
    const std::size_t count = std::min<std::uint64_t>(left_, batch.count);
    if (count > 0) runs_.push_back({batch.first, count});
    left_ -= count;
    return runs_;
  }
  const RecordRun asked_for{batch.first, batch.count};
  for_each_record(batch.records, {&asked_for, 1}, [this](std::size_t place, const Record& record) {
    if (left_ == 0 || (key_ && record.key != *key_) || (sampler_ && !sampler_->keeps(record.key))) return;
    add(place);
    --left_;
  });
  return runs_;
}

void RecordFilter::add(std::size_t place) {
  if (!runs_.empty() && runs_.back().first + runs_.back().count == place) {
    ++runs_.back().count;
  } else {
    runs_.push_back({place, 1});
  }
}

}  // namespace shardlog::cli

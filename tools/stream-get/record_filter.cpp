#include "tools/stream-get/record_filter.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace shardlog::cli {

RecordFilter::RecordFilter(std::vector<std::string> keys, std::optional<Sampler> sampler, std::uint64_t count)
    : keys_(std::move(keys)), sampler_(sampler), left_(count) {
  std::sort(keys_.begin(), keys_.end());
}

std::span<const RecordRun> RecordFilter::select(const StoredBatch& batch) {
  runs_.clear();
  if (keys_.empty() && !sampler_) {
    const std::size_t count = std::min<std::uint64_t>(left_, batch.count);
    if (count > 0) runs_.push_back({batch.first, count});
    left_ -= count;
    return runs_;
  }
  const RecordRun asked_for{batch.first, batch.count};
  for_each_record(batch.records, {&asked_for, 1}, [this](std::size_t index, const Record& record) {
    if (left_ == 0 || !has_key(record) || (sampler_ && !sampler_->keeps(record.key))) return;
    add(index);
    --left_;
  });
  return runs_;
}

bool RecordFilter::has_key(const Record& record) const {
  return keys_.empty() ||
         (record.key && std::binary_search(keys_.begin(), keys_.end(), *record.key, std::less<std::string_view>()));
}

void RecordFilter::add(std::size_t index) {
  if (!runs_.empty() && runs_.back().first + runs_.back().count == index) {
    ++runs_.back().count;
  } else {
    runs_.push_back({index, 1});
  }
}

}  // namespace shardlog::cli

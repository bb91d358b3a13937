#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/consuming/delivery.h"

namespace shardlog::test {

/// The data of the records that are delivered.
inline std::vector<std::string> data_of(const std::vector<consuming::Slice>& slices) {
  std::vector<std::string> result;
  for (const consuming::Slice& slice : slices) {
    std::size_t index = 0;
    for (const Record& record : slice.stored->records) {
      if (index >= slice.first && index < slice.first + slice.count) result.emplace_back(record.data);
      ++index;
    }
  }
  return result;
}

/// Notes what a worker delivers: a record as its data, a gap as "gap". Each batch counts as processed at once. Another
/// thread may look at the notes at any time.
class Notes final : public consuming::Delivery {
 public:
  bool deliver(const consuming::Batch& batch, consuming::Lifeline& /*lifeline*/) override {
    const std::lock_guard guard(mutex_);
    for (std::string& data : data_of(batch.slices)) lines_.push_back(std::move(data));
    processed_.push_back({batch.shard, batch.last_sequence()});
    return true;
  }
  bool tell(const Gap& /*gap*/) override {
    const std::lock_guard guard(mutex_);
    lines_.emplace_back("gap");
    return true;
  }
  std::vector<consuming::Processed> processed() override { return std::exchange(processed_, {}); }
  void flush(consuming::Lifeline& /*lifeline*/) override {}
  void finish(consuming::Lifeline& /*lifeline*/) override {}

  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard guard(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<consuming::Processed> processed_;
};

}  // namespace shardlog::test

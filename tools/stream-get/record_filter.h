#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/sampler.h"
#include "tools/stream-get/record_run.h"

namespace shardlog::cli {

/// Chooses the records that are printed. Where a batch is wanted as it is, that costs nothing.
class RecordFilter {
 public:
  /// Only records of one of the `keys`, of any if there are none; of these only what the sampler keeps, and of these at
  /// most `count`.
  RecordFilter(std::vector<std::string> keys, std::optional<Sampler> sampler, std::uint64_t count);

  /// The chosen ones of those records of the batch that were asked for, in their order. Valid until the next call.
  std::span<const RecordRun> select(const StoredBatch& batch);

  /// Whether there are as many as were wanted.
  [[nodiscard]] bool done() const { return left_ == 0; }

 private:
  [[nodiscard]] bool has_key(const Record& record) const;
  void add(std::size_t place);

  std::vector<std::string> keys_;  // sorted
  std::optional<Sampler> sampler_;
  std::uint64_t left_;
  std::vector<RecordRun> runs_;
};

}  // namespace shardlog::cli

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

/// Chooses the records to print. If all records of a batch are wanted, that costs nothing.
class RecordFilter {
 public:
  /// Chooses records that have one of the `keys` (or any key or none if `keys` is empty) and that the sampler keeps. It
  /// chooses at most `count`.
  RecordFilter(std::vector<std::string> keys, std::optional<Sampler> sampler, std::uint64_t count);

  /// Chooses among those records of the batch that were asked for. The result is in their order, and valid until the
  /// next call.
  std::span<const RecordRun> select(const StoredBatch& batch);

  /// Whether `count` records were chosen.
  [[nodiscard]] bool done() const { return left_ == 0; }

 private:
  [[nodiscard]] bool has_key(const Record& record) const;
  void add(std::size_t index);

  std::vector<std::string> keys_;  // sorted
  std::optional<Sampler> sampler_;
  std::uint64_t left_;
  std::vector<RecordRun> runs_;
};

}  // namespace shardlog::cli

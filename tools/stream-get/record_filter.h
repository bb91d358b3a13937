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

/// Chooses the records to print. A batch of which everything is wanted costs nothing.
class RecordFilter {
 public:
  /// Chooses records with one of the `keys` (any if empty), of these the ones that the sampler keeps, and of these at
  /// most `count`.
  RecordFilter(std::vector<std::string> keys, std::optional<Sampler> sampler, std::uint64_t count);

  /// Chooses among the records of the batch that the read asked for. In their order; valid until the next call.
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

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/stream.h"

namespace shardlog::cli {

/// Gathers records by the shards that they go to, and encodes them. Those without a key are dealt out in runs.
class RoutedRecords {
 public:
  /// `router` must outlive this and keep its shard map. The compression is that of the stream.
  RoutedRecords(Router& router, Compression compression);

  /// Borrows it until flush().
  void add(const Record& record);

  /// Encodes what was added since the last time.
  void flush();

  /// Adds records without keys as encode_lines() takes them, behind what was added before. Borrows nothing.
  void add_lines(std::string_view lines, std::span<const std::uint32_t> lengths);

  /// What is encoded, in the order of the records of each shard. REQUIRES: flush()ed
  std::vector<RoutedBatch> take() { return std::exchange(batches_, {}); }

 private:
  struct Pending {
    std::vector<Record> records;
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::size_t route(const Record& record) const;
  /// Where records without a key wait. One shard takes them with the others, so that it keeps the order of all.
  [[nodiscard]] std::size_t keyless_place() const { return shards_ == 1 ? 0 : shards_; }
  void flush_pending(std::size_t place);
  void flush_runs(std::span<const Record> records);
  void add_run(EncodedBatch batch);

  Router& router_;
  Compression compression_;
  std::size_t shards_;            ///< that are open
  std::vector<Pending> pending_;  ///< by place in the shard map's open_shards(); those to be dealt out come last
  std::uint64_t bytes_ = 0;       ///< of all records
  std::vector<RoutedBatch> batches_;
};

/// How many records of these lengths, from the first on, fit into one batch of at most `most_records`.
std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records);

}  // namespace shardlog::cli

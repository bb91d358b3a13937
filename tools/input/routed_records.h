#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/stream.h"

namespace shardlog::cli {

/// Gathers records by the shards that they go to, and encodes them. Those without a key go to one shard, all of them.
class RoutedRecords {
 public:
  /// `router` must outlive this and keep its shard map.
  explicit RoutedRecords(Router& router);

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

  std::size_t route(const Record& record);
  std::size_t keyless();
  void flush_shard(std::size_t shard);

  Router& router_;
  std::vector<Pending> pending_;  ///< by place in the shard map's open_shards()
  std::optional<std::size_t> keyless_;
  std::vector<RoutedBatch> batches_;
};

/// How many records of these lengths, from the first on, fit into one batch of at most `most_records`.
std::size_t fitting(std::span<const std::uint32_t> lengths, std::size_t most_records);

}  // namespace shardlog::cli

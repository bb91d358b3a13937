#include "shardlog/producing/runs.h"

#include <algorithm>
#include <numeric>

namespace shardlog::producing {

namespace {

using Sizes = std::span<const std::uint32_t>;

/// Runs of nearly the same number of records.
std::vector<std::size_t> cut_by_records(std::size_t records, std::size_t runs) {
  std::vector<std::size_t> result;
  for (std::size_t run = 0; run < runs; ++run) result.push_back(records * (run + 1) / runs - records * run / runs);
  return result;
}

/// Runs of nearly the same number of bytes, without cutting a record; fewer runs if a record is longer than a run.
std::vector<std::size_t> cut_by_bytes(Sizes sizes, std::uint64_t bytes, std::size_t runs) {
  std::vector<std::size_t> result;
  std::uint64_t done = 0;
  std::uint64_t run = 1;
  std::size_t records = 0;
  for (const std::uint32_t size : sizes) {
    done += size + std::uint64_t{1};
    ++records;
    if (done * runs < bytes * run) continue;
    result.push_back(records);
    records = 0;
    run = done * runs / bytes + 1;
  }
  return result;
}

}  // namespace

std::vector<std::size_t> cut_into_runs(Sizes sizes, std::size_t shards, std::uint64_t input_bytes) {
  if (sizes.empty()) return {};
  if (shards == 1) return {sizes.size()};
  if (input_bytes < short_input) {
    return cut_by_records(sizes.size(), std::clamp<std::size_t>(sizes.size() / least_run_records, 1, shards));
  }
  const std::uint64_t bytes = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{sizes.size()});
  const std::uint64_t run = std::max<std::uint64_t>(run_bytes, input_bytes / (4 * shards));
  const auto runs = static_cast<std::size_t>((bytes + run / 2) / run);
  if (runs <= 1) return {sizes.size()};
  return cut_by_bytes(sizes, bytes, runs);
}

std::vector<std::size_t> cut_into_runs(std::span<const Record> records, std::size_t shards, std::uint64_t input_bytes) {
  std::vector<std::uint32_t> sizes(records.size());
  std::transform(records.begin(), records.end(), sizes.begin(),
                 [](const Record& record) { return static_cast<std::uint32_t>(record.size()); });
  return cut_into_runs(sizes, shards, input_bytes);
}

}  // namespace shardlog::producing

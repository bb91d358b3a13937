#pragma once

#include <cstddef>
#include <span>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// Consecutive records of a batch.
struct RecordRun {
  std::size_t first;  ///< the place of the first one
  std::size_t count;  ///< at least 1

  friend bool operator==(const RecordRun&, const RecordRun&) = default;
};

/// Calls visit(place, record) for each record of `runs`, which are in order and do not overlap.
template <typename Visit>
void for_each_record(const RecordBatch& records, std::span<const RecordRun> runs, Visit visit) {
  auto record = records.begin();
  std::size_t place = 0;
  for (const RecordRun& run : runs) {
    for (; place < run.first; ++place) ++record;
    for (; place < run.first + run.count; ++place, ++record) visit(place, *record);
  }
}

/// Whether the runs are the whole batch.
inline bool is_whole(const RecordBatch& records, std::span<const RecordRun> runs) {
  return runs.size() == 1 && runs.front().count == records.size();
}

}  // namespace shardlog::cli

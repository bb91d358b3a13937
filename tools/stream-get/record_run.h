#pragma once

#include <cstddef>
#include <span>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// Consecutive records of a batch.
struct RecordRun {
  std::size_t first;  ///< the index of the first one in the batch
  std::size_t count;  ///< at least 1

  friend bool operator==(const RecordRun&, const RecordRun&) = default;
};

/// Calls visit(index, record) for each record of `runs`, which are in order and do not overlap.
template <typename Visit>
void for_each_record(const RecordBatch& records, std::span<const RecordRun> runs, Visit visit) {
  auto record = records.begin();
  std::size_t index = 0;
  for (const RecordRun& run : runs) {
    for (; index < run.first; ++index) ++record;
    for (; index < run.first + run.count; ++index, ++record) visit(index, *record);
  }
}

}  // namespace shardlog::cli

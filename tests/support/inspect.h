#pragma once

#include <cstddef>

#include "shardlog/core/record_batch.h"

namespace shardlog::test {

/// Reads every byte of every record, so that a sanitizer sees what is out of bounds. False where the batch contradicts
/// itself.
inline bool hangs_together(const RecordBatch& batch) {
  volatile unsigned sink = 0;
  const auto read = [&](std::string_view bytes) {
    for (const char byte : bytes) sink = sink + static_cast<unsigned char>(byte);
  };
  std::size_t records = 0;
  std::size_t bytes = 0;
  std::size_t at = 0;
  for (const Record& record : batch) {
    read(record.data);
    if (record.key) read(*record.key);
    if (record.data.data() != batch.lines().data() + at) return false;
    at += record.data.size() + 1;
    bytes += record.size();
    ++records;
  }
  read(batch.lines());
  return records == batch.size() && bytes == batch.data_bytes() && at == batch.lines().size();
}

}  // namespace shardlog::test

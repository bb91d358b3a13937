#include "shardlog/consuming/delivery.h"

#include <algorithm>

namespace shardlog::consuming {

std::uint64_t bytes_of_part(const StoredBatch& stored, std::size_t first, std::size_t count) {
  const RecordBatch& records = stored.records;
  std::uint64_t bytes = 0;
  auto record = records.begin();
  for (std::size_t i = 0; i < first + count; ++i, ++record) {
    if (i >= first) bytes += (*record).size();
  }
  return bytes;
}

std::uint64_t Slice::bytes() const {
  return bytes_of(*stored, first, count);
}

std::size_t Batch::records() const {
  std::size_t count = 0;
  for (const Slice& slice : slices) count += slice.count;
  return count;
}

std::uint64_t Batch::bytes() const {
  std::uint64_t bytes = 0;
  for (const Slice& slice : slices) bytes += slice.bytes();
  return bytes;
}

SequenceNumber Batch::first_sequence() const {
  const Slice& slice = slices.front();
  return slice.stored->sequences[slice.first];
}

SequenceNumber Batch::last_sequence() const {
  const Slice& slice = slices.back();
  return slice.stored->sequences[slice.first + slice.count - 1];
}

Timestamp Batch::first_arrival() const {
  return slices.front().stored->arrivals[slices.front().first];
}

Batch Batch::part(std::size_t first, std::size_t count) const {
  Batch result{shard, epoch, generation, {}};
  for (const Slice& slice : slices) {
    if (first >= slice.count) {
      first -= slice.count;
      continue;
    }
    const std::size_t taken = std::min(count, slice.count - first);
    if (taken == 0) break;
    result.slices.push_back({slice.stored, slice.first + first, taken});
    count -= taken;
    first = 0;
  }
  return result;
}

}  // namespace shardlog::consuming

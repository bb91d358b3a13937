#include "shardlog/consuming/batches.h"

#include <algorithm>
#include <utility>

namespace shardlog::consuming {

namespace {

/// How many records of a slice, from its first, fit into `room`, and their bytes. Moves `next` past them unless all
/// fit. The first record of a batch always fits.
std::pair<std::size_t, std::uint64_t> fitting(const Slice& slice, std::uint64_t slice_bytes,
                                              RecordBatch::Iterator& next, const BatchLimits& room, bool begins_batch) {
  if (slice.count <= room.records && slice_bytes <= room.bytes) return {slice.count, slice_bytes};
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  for (; count < std::min(room.records, slice.count); ++count, ++next) {
    const std::size_t size = (*next).size();
    if (bytes + size > room.bytes && !(begins_batch && count == 0)) break;
    bytes += size;
  }
  return {count, bytes};
}

}  // namespace

void Batches::add(ShardId shard, const Slice& slice, Duration now) {
  memory_ += slice.stored->records.memory();
  auto next = slice.stored->records.begin();
  for (std::size_t i = 0; i < slice.first; ++i) ++next;
  push(shard, {Records{slice, next, slice.bytes()}, now, reading_});
}

void Batches::push(ShardId shard, Item item) {
  const auto [entry, is_new] = buffers_.try_emplace(shard);
  if (!is_new) leave(*entry);
  Buffer& buffer = entry->second;
  if (const auto* records = std::get_if<Records>(&item.what)) {
    buffer.records += records->slice.count;
    buffer.bytes += records->bytes;
  } else {
    ++buffer.gaps;
  }
  buffer.items.push_back(std::move(item));
  enter(*entry);
}

void Batches::pop(Buffer& buffer) {
  if (const auto* records = std::get_if<Records>(&buffer.items.front().what)) {
    memory_ -= records->slice.stored->records.memory();
  }
  buffer.items.pop_front();
}

void Batches::drop(ShardId shard) {
  const auto entry = buffers_.find(shard);
  if (entry == buffers_.end()) return;
  leave(*entry);
  while (!entry->second.items.empty()) pop(entry->second);
  buffers_.erase(entry);
}

std::optional<ShardId> Batches::waited(Duration now, bool at_tail) const {
  if (partial_.empty()) return std::nullopt;
  const auto& [since, shard] = *partial_.begin();
  if (now - since < limits_.wait) return std::nullopt;
  const bool more_was_read = buffers_.at(shard).items.front().reading < reading_;
  return at_tail || more_was_read ? std::optional(shard) : std::nullopt;
}

std::optional<Duration> Batches::due_at() const {
  return partial_.empty() ? std::nullopt : std::optional(partial_.begin()->first + limits_.wait);
}

Batches::Piece Batches::take(ShardId shard) {
  const auto entry = buffers_.find(shard);
  leave(*entry);
  Buffer& buffer = entry->second;
  Piece piece;
  if (const auto* gap = std::get_if<Gap>(&buffer.items.front().what)) {
    piece = *gap;
    --buffer.gaps;
    pop(buffer);
  } else {
    piece = cut(buffer);
  }
  if (buffer.items.empty()) {
    buffers_.erase(entry);
  } else {
    enter(*entry);
  }
  return piece;
}

/// Takes the records of one batch.
std::vector<Slice> Batches::cut(Buffer& buffer) {
  std::vector<Slice> slices;
  BatchLimits room = limits_;
  while (!buffer.items.empty() && room.records > 0) {
    auto* const from = std::get_if<Records>(&buffer.items.front().what);
    if (from == nullptr) break;
    Slice& rest = from->slice;
    const auto [count, bytes] = fitting(rest, from->bytes, from->next, room, slices.empty());
    if (count == 0) break;
    slices.push_back({rest.stored, rest.first, count});
    room.records -= count;
    room.bytes -= std::min(bytes, room.bytes);
    buffer.records -= count;
    buffer.bytes -= bytes;
    from->bytes -= bytes;
    rest.first += count;
    rest.count -= count;
    if (rest.count > 0) break;
    pop(buffer);
  }
  return slices;
}

Batches::Order& Batches::order_of(const Buffer& buffer) {
  const bool full = buffer.gaps > 0 || buffer.records >= limits_.records || buffer.bytes >= limits_.bytes;
  return full ? full_ : partial_;
}

void Batches::enter(const Buffers::value_type& entry) {
  order_of(entry.second).emplace(entry.second.items.front().since, entry.first);
}

void Batches::leave(const Buffers::value_type& entry) {
  order_of(entry.second).erase({entry.second.items.front().since, entry.first});
}

}  // namespace shardlog::consuming

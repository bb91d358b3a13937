#include "shardlog/consuming/batches.h"

#include <algorithm>
#include <utility>

namespace shardlog::consuming {

namespace {

std::optional<ShardId> first_of(const std::set<std::pair<Duration, ShardId>>& order) {
  return order.empty() ? std::nullopt : std::optional(order.begin()->second);
}

}  // namespace

void Batches::add(ShardId shard, const Slice& slice, Duration now) {
  memory_ += slice.stored->records.memory();
  Records records{slice.stored, slice.stored->records.begin(), slice.first, slice.count, 0};
  for (std::size_t place = 0; place < slice.first; ++place) ++records.next;
  if (slice.count == slice.stored->records.size()) {
    records.bytes = slice.stored->records.data_bytes();
  } else {
    auto record = records.next;
    for (std::size_t i = 0; i < slice.count; ++i, ++record) records.bytes += (*record).size();
  }
  push(shard, {std::move(records), now, reading_});
}

void Batches::add(const Gap& gap, Duration now) {
  push(gap.shard, {gap, now, reading_});
}

void Batches::push(ShardId shard, Item item) {
  const auto [entry, is_new] = buffers_.try_emplace(shard);
  if (!is_new) leave(*entry);
  Buffer& buffer = entry->second;
  if (const auto* records = std::get_if<Records>(&item.what)) {
    buffer.records += records->count;
    buffer.bytes += records->bytes;
  } else {
    ++buffer.gaps;
  }
  buffer.items.push_back(std::move(item));
  enter(*entry);
}

void Batches::pop(Buffer& buffer) {
  if (const auto* records = std::get_if<Records>(&buffer.items.front().what)) {
    memory_ -= records->stored->records.memory();
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

std::optional<ShardId> Batches::full() const {
  return first_of(full_);
}

std::optional<ShardId> Batches::waited(Duration now, bool at_tail) const {
  if (partial_.empty()) return std::nullopt;
  const auto& [since, shard] = *partial_.begin();
  if (now - since < limits_.wait) return std::nullopt;
  const bool more_was_read = buffers_.at(shard).items.front().reading < reading_;
  return at_tail || more_was_read ? std::optional(shard) : std::nullopt;
}

std::optional<ShardId> Batches::oldest() const {
  return full_.empty() ? first_of(partial_) : first_of(full_);
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
    std::vector<Slice> slices;
    std::size_t records = 0;
    std::uint64_t bytes = 0;
    while (!buffer.items.empty() && std::holds_alternative<Records>(buffer.items.front().what)) {
      const std::size_t items = buffer.items.size();
      const std::size_t so_far = slices.size();
      bytes += cut(buffer, slices, limits_.records - records, limits_.bytes - std::min(bytes, limits_.bytes));
      if (slices.size() > so_far) records += slices.back().count;
      if (buffer.items.size() == items || records == limits_.records) break;
    }
    buffer.records -= records;
    buffer.bytes -= bytes;
    piece = std::move(slices);
  }
  if (buffer.items.empty()) {
    buffers_.erase(entry);
  } else {
    enter(*entry);
  }
  return piece;
}

/// Adds at most so much of the first item, but at least the first record of a batch. Returns the bytes of it.
std::uint64_t Batches::cut(Buffer& buffer, std::vector<Slice>& slices, std::size_t records, std::uint64_t bytes) {
  auto& from = std::get<Records>(buffer.items.front().what);
  if (from.count <= records && from.bytes <= bytes) {
    slices.push_back({from.stored, from.first, from.count});
    const std::uint64_t all = from.bytes;
    pop(buffer);
    return all;
  }
  Slice slice{from.stored, from.first, 0};
  std::uint64_t taken = 0;
  while (slice.count < std::min(records, from.count)) {
    const std::size_t size = (*from.next).size();
    const bool is_first = slices.empty() && slice.count == 0;
    if (taken + size > bytes && !is_first) break;
    taken += size;
    ++slice.count;
    ++from.next;
  }
  if (slice.count == 0) return 0;
  from.first += slice.count;
  from.count -= slice.count;
  from.bytes -= taken;
  slices.push_back(std::move(slice));
  if (from.count == 0) pop(buffer);
  return taken;
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

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Holds records between reading and delivery, by shard, and cuts them into batches. A gap ends a batch.
class Batches {
 public:
  /// Consecutive records of one shard, or a gap.
  using Piece = std::variant<std::vector<Slice>, Gap>;

  explicit Batches(const BatchLimits& limits) : limits_(limits) {}

  /// Call it before the add() of each piece that is read.
  void begin() { ++reading_; }
  void add(ShardId shard, const Slice& slice, Duration now);
  void add(const Gap& gap, Duration now) { push(gap.shard, {gap, now, reading_}); }

  /// Forgets all records of a shard.
  void drop(ShardId shard);

  [[nodiscard]] bool empty(ShardId shard) const { return !buffers_.contains(shard); }
  [[nodiscard]] bool empty() const { return buffers_.empty(); }
  /// Bytes of memory that the records take.
  [[nodiscard]] std::size_t memory() const { return memory_; }

  /// A shard with a full batch or a gap; nullopt if there is none.
  [[nodiscard]] std::optional<ShardId> full() const { return first_of(full_); }
  /// A shard whose first record has waited long enough. Unless `at_tail`, another piece must have been read meanwhile.
  [[nodiscard]] std::optional<ShardId> waited(Duration now, bool at_tail) const;
  /// The shard whose first record has waited longest; if any shards have a full batch or a gap, one of these.
  [[nodiscard]] std::optional<ShardId> oldest() const { return first_of(full_.empty() ? partial_ : full_); }
  /// When waited() will return a shard.
  [[nodiscard]] std::optional<Duration> due_at() const;

  /// Removes and returns at most one batch, or a gap. REQUIRES: !empty(shard)
  Piece take(ShardId shard);

 private:
  /// Records of one stored batch that were not taken yet.
  struct Records {
    Slice slice;
    RecordBatch::Iterator next;  ///< the first of them
    std::uint64_t bytes = 0;
  };
  struct Item {
    std::variant<Records, Gap> what;
    Duration since{0};
    std::uint64_t reading = 0;
  };
  struct Buffer {
    std::deque<Item> items;  ///< at least one
    std::size_t records = 0;
    std::uint64_t bytes = 0;
    std::size_t gaps = 0;
  };
  using Order = std::set<std::pair<Duration, ShardId>>;  // by the time at which the first item came
  using Buffers = std::map<ShardId, Buffer>;

  static std::optional<ShardId> first_of(const Order& order) {
    return order.empty() ? std::nullopt : std::optional(order.begin()->second);
  }
  void push(ShardId shard, Item item);
  void pop(Buffer& buffer);
  std::vector<Slice> cut(Buffer& buffer);
  Order& order_of(const Buffer& buffer);
  void enter(const Buffers::value_type& entry);
  void leave(const Buffers::value_type& entry);

  BatchLimits limits_;
  Buffers buffers_;  // none is empty
  Order full_;
  Order partial_;
  std::uint64_t reading_ = 0;
  std::size_t memory_ = 0;
};

}  // namespace shardlog::consuming

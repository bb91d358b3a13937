#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

struct BatchLimits {
  std::size_t records = 0;
  std::uint64_t bytes = 0;  ///< data and keys; a single record may be larger
  Duration wait{0};         ///< for a batch to be full, from its first record on
};

/// What was read and not yet delivered, shard by shard, and cut into batches. A gap ends a batch.
class Batches {
 public:
  /// What is cut off of one shard: records that stand one behind the other, or a gap.
  using Piece = std::variant<std::vector<Slice>, Gap>;

  explicit Batches(const BatchLimits& limits) : limits_(limits) {}

  /// A new piece of reading begins.
  void begin() { ++reading_; }
  void add(ShardId shard, const Slice& slice, Duration now);
  void add(const Gap& gap, Duration now);

  /// Forgets all of a shard.
  void drop(ShardId shard);

  [[nodiscard]] bool empty(ShardId shard) const { return !buffers_.contains(shard); }
  [[nodiscard]] bool empty() const { return buffers_.empty(); }
  /// The memory that is held, in bytes.
  [[nodiscard]] std::size_t memory() const { return memory_; }

  /// A shard of which there is a full batch, or a gap; nothing where there is none.
  [[nodiscard]] std::optional<ShardId> full() const;
  /// A shard of which the first record has waited long enough, and, but `at_tail`, while more was read.
  [[nodiscard]] std::optional<ShardId> waited(Duration now, bool at_tail) const;
  /// The shard of which the first record has waited longest.
  [[nodiscard]] std::optional<ShardId> oldest() const;
  /// When the first record of some shard has waited long enough.
  [[nodiscard]] std::optional<Duration> due_at() const;

  /// Cuts off at most one batch, or a gap. REQUIRES: !empty(shard)
  Piece take(ShardId shard);

 private:
  /// Records of one stored batch, as far as they are not cut off.
  struct Records {
    std::shared_ptr<const StoredBatch> stored;
    RecordBatch::Iterator next;  ///< the first one
    std::size_t first = 0;
    std::size_t count = 0;
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
  using Order = std::set<std::pair<Duration, ShardId>>;  // by when the first item came
  using Buffers = std::map<ShardId, Buffer>;

  void push(ShardId shard, Item item);
  void pop(Buffer& buffer);
  std::uint64_t cut(Buffer& buffer, std::vector<Slice>& slices, std::size_t records, std::uint64_t bytes);
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

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"

namespace shardlog::test {

/// How one engine in memory differs from another.
struct MemoryTraits {
  Capabilities capabilities{.engine = "memory"};
  bool knows_processes = true;  ///< which of those that opened a stream are still there
};

/// Makes the promises that the embedded engine makes.
MemoryTraits like_sqlite();

/// Makes as few as the seam allows: gaps between the numbers, one commit a shard, arrivals that step back and are not
/// kept, no number for Latest, no producers, no counts, processes of which nothing is known.
MemoryTraits unlike_sqlite();

/// The numbers that this engine gives fit into 64 bits; beyond them one is as good as the largest.
std::uint64_t number_of(const SequenceNumber& sequence);

/// Some records of one shard, as they are stored.
struct MemoryBatch {
  ShardId shard;
  std::vector<std::uint64_t> numbers;  ///< one for each record, ascending
  Arrivals arrivals;
  std::string payload;
  std::vector<std::uint64_t> sizes;  ///< of each record, data and key
};

/// A record that was ever stored.
struct MemoryArrival {
  ShardId shard;
  Timestamp arrived_at;
  std::uint64_t size = 0;      ///< data and key
  bool begins_append = false;  ///< it is the first one of its append in its shard
};

/// The numbers of a shard.
struct MemoryShard {
  std::uint64_t begin = 1;  ///< the first that it may have
  std::uint64_t next = 1;   ///< above all that it has
  /// The first that can be read: what is before it was trimmed.
  std::uint64_t readable = 1;
  std::uint64_t trimmed_records = 0;
  std::uint64_t trimmed_bytes = 0;
  Timestamp last_trimmed = Timestamp::min();  ///< when the newest of them arrived
};

/// What a stream in memory holds: the rules, for one thread at a time.
class MemoryLog {
 public:
  MemoryLog(const CreateOptions& options, MemoryTraits traits, Timestamp now);

  [[nodiscard]] const ShardMap& map() const { return map_; }
  [[nodiscard]] const std::vector<MemoryBatch>& batches() const { return batches_; }
  /// Throws not_found.
  [[nodiscard]] const MemoryShard& shard(ShardId id) const;
  [[nodiscard]] StreamDescription describe() const;

  /// What arrived before this time, trimmed or not.
  [[nodiscard]] Intake intake(ShardId id, Timestamp time) const;

  /// All that ever arrived.
  [[nodiscard]] const std::vector<MemoryArrival>& arrivals() const { return arrivals_; }

  /// Before anything else is done at `now`: takes what is past retention.
  void expire(Timestamp now);
  /// Makes room for so many bytes in a bounded stream. Why there is none; nullopt if there is.
  std::optional<Outcome> make_room(std::uint64_t bytes);
  /// Takes what is before this number.
  void trim(ShardId id, std::uint64_t number);

  /// What is stored from now on is another append.
  void begin_append() { stored_in_.clear(); }
  [[nodiscard]] bool is_sealed(const RoutedBatch& batch) const { return !map_.at(batch.shard).open(); }
  Stored store(const RoutedBatch& batch, Timestamp now);
  /// Stores those of its records whose place in `wanted` holds a Place, and fills that in.
  StoredInPart store_part(const RoutedBatch& batch, StoredInPart wanted, Timestamp now);

  void check_moves(std::span<const ProducerMove> moves) const;
  void move(std::span<const ProducerMove> moves, Timestamp now);

  void reshard(const ReshardStep& step, Timestamp now, const ValueChanges& attributes = {},
               const capacity::Moment& moment = {});
  void update(const SettingsChange& change, Timestamp now);

  // Under limits: as the seam has them.
  [[nodiscard]] std::optional<Throttled> charge(std::span<const RoutedBatch> batches, const capacity::Moment& now);
  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid,
                          const capacity::Moment& now);

  [[nodiscard]] const capacity::Limits& limits() const { return settings_.limits; }
  /// How many consumers own a lease of the shard.
  [[nodiscard]] std::size_t readers_of(ShardId shard) const;
  void top_up(std::span<ReadCapacity::Share> shares, const capacity::Moment& now);
  void give_back(std::span<const ReadCapacity::Share> shares, const capacity::Moment& now);

  std::map<Timestamp, metrics::Measures> measured;  ///< by the start of the minute
  std::map<std::string, Consumer> consumers;        ///< by their names
  std::map<ProducerId, Producer> producers;         ///< where they are
  std::set<std::string> processes;                  ///< that have the stream open
  std::uint64_t processes_named = 0;                ///< those that have closed it too

 private:
  MemoryShard& mutable_shard(ShardId id) { return shards_.at(id); }
  void take(const RoutedBatch& batch, MemoryBatch stored);
  [[nodiscard]] std::uint64_t held() const;
  /// Takes the oldest batch.
  void trim_first();
  /// Takes what every consumer has passed, from the oldest batch on, while `wanted` holds.
  void trim_passed(const std::function<bool()>& wanted);
  [[nodiscard]] std::uint64_t first_number(ShardId id) const;
  [[nodiscard]] Arrivals arrivals_of(const RoutedBatch& batch, std::size_t count, Timestamp now) const;

  class Buckets final : public capacity::Buckets {
   public:
    capacity::Bucket load(ShardId shard) override { return all_[shard]; }
    void store(ShardId shard, const capacity::Bucket& bucket) override { all_[shard] = bucket; }
    void remove(ShardId shard) override { all_.erase(shard); }

   private:
    std::map<ShardId, capacity::Bucket> all_;
  };

  [[nodiscard]] bool limits_writing() const { return settings_.limits.write_records || settings_.limits.write_bytes; }

  [[nodiscard]] bool limits_reading() const { return settings_.limits.read_calls || settings_.limits.read_bytes; }

  MemoryTraits traits_;
  std::string uuid_;
  Timestamp created_at_;
  StreamSettings settings_;
  Attributes attributes_;
  ShardMap map_;
  std::map<ShardId, MemoryShard> shards_;
  Buckets buckets_;  ///< for writing
  Buckets read_buckets_;
  std::vector<MemoryBatch> batches_;
  std::vector<MemoryArrival> arrivals_;
  std::set<ShardId> stored_in_;  ///< by this append
  std::uint64_t appended_ = 0;   ///< batches, the trimmed ones too
  std::optional<Timestamp> last_arrival_;
};

}  // namespace shardlog::test
